"""Campaign, CampaignMember and CampaignMemberStatus (Object Reference for the Salesforce Platform)."""

CAMPAIGN = """
Name                   | string(80)      | CU   | Name
ParentId               | reference       | CUN  | Parent Campaign ID | \
                        -> Campaign as Parent children ChildCampaigns
Type                   | picklist(40)    | CUN  | Type | Conference; Webinar; Trade Show; \
                        Public Relations; Partners; Referral Program; Advertisement; \
                        Banner Ads; Direct Mail; Email; Telemarketing; Other
Status                 | picklist(40)    | CUN  | Status | *Planned; In Progress; Completed; Aborted
StartDate              | date            | CUN  | Start Date
EndDate                | date            | CUN  | End Date
ExpectedRevenue        | currency        | CUN  | Expected Revenue in Campaign
BudgetedCost           | currency        | CUN  | Budgeted Cost in Campaign
ActualCost             | currency        | CUN  | Actual Cost in Campaign
ExpectedResponse       | percent         | CUN  | Expected Response (%)
NumberSent             | double          | CUN  | Num Sent in Campaign
IsActive               | boolean         | CUD  | Active
Description            | textarea(32000) | CUN  | Description
NumberOfLeads          | int             | D    | Leads in Campaign
NumberOfConvertedLeads | int             | D    | Converted Leads in Campaign
NumberOfContacts       | int             | D    | Contacts in Campaign
NumberOfResponses      | int             | D    | Responses in Campaign
OwnerId                | reference       | CUD  | Owner ID | -> User as Owner
LastActivityDate       | date            | N    | Last Activity
CampaignMemberRecordTypeId | reference   | CUN  | Record Type ID | -> RecordType as CampaignMemberRecordType
"""

CAMPAIGN_MEMBER = """
CampaignId           | reference       | C    | Campaign ID | \
                        -> Campaign as Campaign children CampaignMembers cascade
LeadId               | reference       | CN   | Lead ID     | \
                        -> Lead as Lead children CampaignMembers cascade
ContactId            | reference       | CN   | Contact ID  | \
                        -> Contact as Contact children CampaignMembers cascade
Status               | picklist(40)    | CUN  | Status | Planned; Received; Responded; Sent
HasResponded         | boolean         | D    | Responded
FirstRespondedDate   | date            | N    | First Responded Date
Salutation           | picklist(40)    | N    | Salutation
Name                 | string(255)     | N    | Name
FirstName            | string(40)      | N    | First Name
LastName             | string(80)      | N    | Last Name
Title                | string(128)     | N    | Title
Email                | email(80)       | N    | Email
Phone                | phone(40)       | N    | Phone
MobilePhone          | phone(40)       | N    | Mobile
LeadSource           | picklist(40)    | N    | Lead Source
CompanyOrAccount     | string(255)     | N    | Company (Account)
Type                 | string(40)      | N    | Type
LeadOrContactId      | reference       | N    | Related Record ID | -> Contact,Lead
LeadOrContactOwnerId | reference       | N    | Related Record Owner ID | \
                        -> Group,User as LeadOrContactOwner
"""

CAMPAIGN_MEMBER_STATUS = """
CampaignId   | reference   | C    | Campaign ID | -> Campaign children CampaignMemberStatuses cascade
Label        | string(765) | CU   | Member Status
SortOrder    | int         | CUND | Sort Order
IsDefault    | boolean     | CUD  | Is Default
HasResponded | boolean     | CUD  | Responded
"""
