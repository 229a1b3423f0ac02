"""Task, Event, Case and EmailMessage."""

_WHAT = "Account,Campaign,Case"

TASK = f"""
WhoId            | reference       | CUN  | Name ID | -> Contact,Lead as Who children Tasks cascade
WhatId           | reference       | CUN  | Related To ID | -> {_WHAT} as What children Tasks cascade
Subject          | combobox(255)   | CUN  | Subject | Call; Email; Send Letter; Send Quote; Other
ActivityDate     | date            | CUN  | Due Date Only
Status           | picklist(255)   | CUD  | Status | *Not Started; In Progress; Completed; \
                        Waiting on someone else; Deferred
Priority         | picklist(255)   | CUD  | Priority | High; *Normal; Low
IsHighPriority   | boolean         | D    | High Priority
OwnerId          | reference       | CUD  | Assigned To ID | -> Group,User as Owner
Description      | textarea(32000) | CUN  | Description
AccountId        | reference       | N    | Account ID | -> Account as Account
IsClosed         | boolean         | D    | Closed
IsArchived       | boolean         | D    | Archived
CallDurationInSeconds | int        | CUN  | Call Duration
CallType         | picklist(255)   | CUN  | Call Type | Internal; Inbound; Outbound
CallDisposition  | string(255)     | CUN  | Call Result
CallObject       | string(255)     | CUN  | Call Object Identifier
ReminderDateTime | datetime        | CUN  | Reminder Date/Time
IsReminderSet    | boolean         | CUD  | Reminder Set
TaskSubtype      | picklist(40)    | CNR  | Task Subtype | Task; Email; ListEmail; Cadence; Call; LinkedIn
CompletedDateTime | datetime       | N    | Completed Date/Time
"""

EVENT = f"""
WhoId             | reference       | CUN   | Name ID | -> Contact,Lead as Who children Events cascade
WhatId            | reference       | CUN   | Related To ID | -> {_WHAT} as What children Events cascade
Subject           | combobox(255)   | CUN   | Subject | Call; Email; Meeting; Send Letter/Quote; Other
Location          | string(255)     | CUN   | Location
IsAllDayEvent     | boolean         | CUD   | All-Day Event
ActivityDateTime  | datetime        | CUN   | Due Date Time
ActivityDate      | date            | CUN   | Due Date Only
DurationInMinutes | int             | CUN   | Duration
StartDateTime     | datetime        | CUN   | Start Date Time
EndDateTime       | datetime        | CUN   | End Date Time
EndDate           | date            | N     | End Date
Description       | textarea(32000) | CUN   | Description
AccountId         | reference       | N     | Account ID | -> Account as Account
OwnerId           | reference       | CUD   | Assigned To ID | -> Calendar,User as Owner
Type              | picklist(40)    | CUN   | Type | Call; Email; Meeting; Other
IsPrivate         | boolean         | CUD   | Private
ShowAs            | picklist(40)    | CUNDR | Show Time As | *Busy; OutOfOffice; Free
EventSubtype      | picklist(40)    | CNR   | Event Subtype | Event
IsChild           | boolean         | D     | Is Child
IsGroupEvent      | boolean         | D     | Is Group Event
GroupEventType    | picklist(40)    | NDR   | Group Event Type | *0; 1; 2
ReminderDateTime  | datetime        | CUN   | Reminder Date/Time
IsReminderSet     | boolean         | CUD   | Reminder Set
IsArchived        | boolean         | D     | Archived
"""

CASE = """
CaseNumber      | string(30)      | DL   | Case Number
ContactId       | reference       | CUN  | Contact ID | -> Contact as Contact children Cases
AccountId       | reference       | CUN  | Account ID | -> Account as Account children Cases
SuppliedName    | string(80)      | CUN  | Name
SuppliedEmail   | email(80)       | CUN  | Email Address
SuppliedPhone   | string(40)      | CUN  | Phone
SuppliedCompany | string(80)      | CUN  | Company
Type            | picklist(40)    | CUN  | Case Type | Mechanical; Electrical; Electronic; Structural; Other
Status          | picklist(40)    | CUND | Status | *New; Working; Escalated; Closed
Reason          | picklist(40)    | CUN  | Case Reason | Installation; Equipment Complexity; \
                        Performance; Breakdown; Equipment Design; Feedback; Other
Origin          | picklist(40)    | CUN  | Case Origin | Phone; Email; Web
Subject         | string(255)     | CUN  | Subject
Priority        | picklist(40)    | CUND | Priority | High; *Medium; Low
Description     | textarea(32000) | CUN  | Description
IsClosed        | boolean         | D    | Closed
ClosedDate      | datetime        | N    | Closed Date
OwnerId         | reference       | CUD  | Owner ID | -> Group,User as Owner
IsEscalated     | boolean         | CUD  | Escalated
ParentId        | reference       | CUN  | Parent Case ID | -> Case as Parent children Cases
ContactPhone    | phone(40)       | N    | Contact Phone
ContactMobile   | phone(40)       | N    | Contact Mobile
ContactEmail    | email(80)       | N    | Contact Email
Comments        | textarea(4000)  | CUN  | Internal Comments
"""

_PERSON = "Contact,Lead,User"

EMAIL_MESSAGE = f"""
ParentId          | reference       | CUN  | Case ID | -> Case as Parent children EmailMessages cascade
ActivityId        | reference       | CN   | Activity ID | -> Task as Activity children EmailMessages
TextBody          | textarea(32000) | CUN  | Text Body
HtmlBody          | textarea(32000) | CUN  | HTML Body
Headers           | textarea(32000) | CUN  | Headers
Subject           | string(3000)    | CUN  | Subject
FromName          | string(1000)    | CUN  | From Name
FromAddress       | email(1000)     | CUN  | From Address
FromId            | reference       | CN   | From ID | -> {_PERSON}
ToAddress         | string(4000)    | CUN  | To Address
CcAddress         | string(4000)    | CUN  | CC Address
BccAddress        | string(4000)    | CUN  | BCC Address
ToIds             | junctionidlist  | CUNF | To IDs | -> {_PERSON}
CcIds             | junctionidlist  | CUNF | CC IDs | -> {_PERSON}
BccIds            | junctionidlist  | CUNF | BCC IDs | -> {_PERSON}
Incoming          | boolean         | CUD  | Is Incoming
HasAttachment     | boolean         | D    | Has Attachment
Status            | picklist(40)    | CUDR | Status | *0; 1; 2; 3; 4; 5
MessageDate       | datetime        | CUN  | Message Date
IsExternallyVisible | boolean       | CUD  | Is Externally Visible
MessageIdentifier | string(255)     | CUNL | Message ID
ThreadIdentifier  | string(255)     | CUN  | Thread ID
IsTracked         | boolean         | D    | Is Tracked
IsOpened          | boolean         | D    | Opened?
FirstOpenedDate   | datetime        | CUN  | First Opened
LastOpenedDate    | datetime        | CUN  | Last Opened
IsBounced         | boolean         | D    | Is Bounced
RelatedToId       | reference       | CUN  | Related To ID | -> {_WHAT} as RelatedTo children Emails
"""

EMAIL_MESSAGE_RELATION = f"""
EmailMessageId     | reference    | C  | Email Message ID | -> EmailMessage as EmailMessage children \
                       EmailMessageRelations cascade
RelationId         | reference    | CN | Relation ID | -> {_PERSON} as Relation children EmailMessageRelations
RelationType       | picklist(40) | CR | Relation Type | ToAddress; CcAddress; BccAddress; FromAddress; \
                       OtherAddress
RelationAddress    | string(1000) | CN | Relation Address
RelationObjectType | picklist(40) | NR | Relation Object Type | Contact; Lead; User
"""
