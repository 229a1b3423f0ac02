"""Lead, Contact and Account as a Developer Edition org describes them (v59)."""

_INDUSTRIES = (
    "Agriculture; Apparel; Banking; Biotechnology; Chemicals; Communications; Construction; Consulting; "
    "Education; Electronics; Energy; Engineering; Entertainment; Environmental; Finance; Food & Beverage; "
    "Government; Healthcare; Hospitality; Insurance; Machinery; Manufacturing; Media; Not For Profit; "
    "Recreation; Retail; Shipping; Technology; Telecommunications; Transportation; Utilities; Other"
)
_SOURCES = "Web; Phone Inquiry; Partner Referral; Purchased List; Other"

LEAD = f"""
MasterRecordId    | reference       | N    | Master Record ID | -> Lead as MasterRecord
LastName          | string(80)      | CU   | Last Name
FirstName         | string(40)      | CUN  | First Name
Salutation        | picklist(40)    | CUN  | Salutation | Mr.; Ms.; Mrs.; Dr.; Prof.; Mx.
Name              | string(121)     |      | Full Name
Title             | string(128)     | CUN  | Title
Company           | string(255)     | CU   | Company
Street            | textarea(255)   | CUN  | Street
City              | string(40)      | CUN  | City
State             | string(80)      | CUN  | State/Province
PostalCode        | string(20)      | CUN  | Zip/Postal Code
Country           | string(80)      | CUN  | Country
Phone             | phone(40)       | CUN  | Phone
MobilePhone       | phone(40)       | CUN  | Mobile Phone
Fax               | phone(40)       | CUN  | Fax
Email             | email(80)       | CUNL | Email
Website           | url(255)        | CUN  | Website
Description       | textarea(32000) | CUN  | Description
LeadSource        | picklist(255)   | CUN  | Lead Source | {_SOURCES}
Status            | picklist(255)   | CUD  | Status | *Open - Not Contacted; Working - Contacted; \
                        Closed - Converted; Closed - Not Converted
Industry          | picklist(255)   | CUN  | Industry | {_INDUSTRIES}
Rating            | picklist(255)   | CUN  | Rating | Hot; Warm; Cold
AnnualRevenue     | currency        | CUN  | Annual Revenue
NumberOfEmployees | int             | CUN  | Employees
OwnerId           | reference       | CUD  | Owner ID | -> Group,User as Owner
IsConverted       | boolean         | CD   | Converted
ConvertedDate     | date            | N    | Converted Date
ConvertedAccountId     | reference  | N    | Converted Account ID | -> Account as ConvertedAccount
ConvertedContactId     | reference  | N    | Converted Contact ID | -> Contact as ConvertedContact
ConvertedOpportunityId | reference  | N    | Converted Opportunity ID
IsUnreadByOwner   | boolean         | CUD  | Unread By Owner
LastActivityDate  | date            | N    | Last Activity
EmailBouncedReason | string(255)    | UN   | Email Bounced Reason
EmailBouncedDate  | datetime        | UN   | Email Bounced Date
External_Id__c    | string(64)      | CUNLXQ | External Id
"""

CONTACT = f"""
MasterRecordId     | reference       | N    | Master Record ID | -> Contact as MasterRecord
AccountId          | reference       | CUN  | Account ID | -> Account as Account children Contacts cascade
LastName           | string(80)      | CU   | Last Name
FirstName          | string(40)      | CUN  | First Name
Salutation         | picklist(40)    | CUN  | Salutation | Mr.; Ms.; Mrs.; Dr.; Prof.
Name               | string(121)     |      | Full Name
MailingStreet      | textarea(255)   | CUN  | Mailing Street
MailingCity        | string(40)      | CUN  | Mailing City
MailingState       | string(80)      | CUN  | Mailing State/Province
MailingPostalCode  | string(20)      | CUN  | Mailing Zip/Postal Code
MailingCountry     | string(80)      | CUN  | Mailing Country
Phone              | phone(40)       | CUN  | Business Phone
Fax                | phone(40)       | CUN  | Business Fax
MobilePhone        | phone(40)       | CUN  | Mobile Phone
HomePhone          | phone(40)       | CUN  | Home Phone
ReportsToId        | reference       | CUN  | Reports To ID | -> Contact as ReportsTo
Email              | email(80)       | CUNL | Email
Title              | string(128)     | CUN  | Title
Department         | string(80)      | CUN  | Department
LeadSource         | picklist(255)   | CUN  | Lead Source | {_SOURCES}
Birthdate          | date            | CUN  | Birthdate
Description        | textarea(32000) | CUN  | Contact Description
OwnerId            | reference       | CUD  | Owner ID | -> User as Owner
LastActivityDate   | date            | N    | Last Activity
EmailBouncedReason | string(255)     | CUN  | Email Bounced Reason
EmailBouncedDate   | datetime        | CUN  | Email Bounced Date
IsEmailBounced     | boolean         | D    | Is Email Bounced
"""

ACCOUNT = f"""
MasterRecordId     | reference       | N    | Master Record ID | -> Account as MasterRecord
Name               | string(255)     | CU   | Account Name
Type               | picklist(40)    | CUN  | Account Type | Prospect; Customer - Direct; \
                        Customer - Channel; Channel Partner / Reseller; \
                        Installation Partner; Technology Partner; Other
ParentId           | reference       | CUN  | Parent Account ID | -> Account as Parent
BillingStreet      | textarea(255)   | CUN  | Billing Street
BillingCity        | string(40)      | CUN  | Billing City
BillingState       | string(80)      | CUN  | Billing State/Province
BillingPostalCode  | string(20)      | CUN  | Billing Zip/Postal Code
BillingCountry     | string(80)      | CUN  | Billing Country
Phone              | phone(40)       | CUN  | Account Phone
AccountNumber      | string(40)      | CUN  | Account Number
Website            | url(255)        | CUN  | Website
Industry           | picklist(40)    | CUN  | Industry | {_INDUSTRIES}
NumberOfEmployees  | int             | CUN  | Employees
Description        | textarea(32000) | CUN  | Account Description
Site               | string(80)      | CUN  | Account Site
AccountSource      | picklist(40)    | CUN  | Account Source | {_SOURCES}
OwnerId            | reference       | CUD  | Owner ID | -> User as Owner
LastActivityDate   | date            | N    | Last Activity
"""

# What person accounts add to Account and Contact (v59); the Account's own Name may then be left out.
IS_PERSON_ACCOUNT = "IsPersonAccount | boolean | D | Is Person Account"
PERSON_ACCOUNT = (
    "Name | string(255) | CUN | Account Name",
    "LastName | string(80) | CUN | Last Name",
    "FirstName | string(40) | CUN | First Name",
    "Salutation | picklist(40) | CUN | Salutation | Mr.; Ms.; Mrs.; Dr.; Prof.",
    IS_PERSON_ACCOUNT,
    "PersonContactId | reference | N | Contact ID | -> Contact as PersonContact",
    "PersonEmail | email(80) | CUN | Email",
    "PersonTitle | string(80) | CUN | Title",
    "PersonMobilePhone | phone(40) | CUN | Mobile",
    "PersonHomePhone | phone(40) | CUN | Home Phone",
    "PersonDepartment | string(80) | CUN | Department",
    f"PersonLeadSource | picklist(255) | CUN | Lead Source | {_SOURCES}",
    "PersonMailingStreet | textarea(255) | CUN | Mailing Street",
    "PersonMailingCity | string(40) | CUN | Mailing City",
    "PersonMailingState | string(80) | CUN | Mailing State/Province",
    "PersonMailingPostalCode | string(20) | CUN | Mailing Zip/Postal Code",
    "PersonMailingCountry | string(80) | CUN | Mailing Country",
    "PersonBirthdate | date | CUN | Birthdate",
    "PersonHasOptedOutOfEmail | boolean | CUD | Email Opt Out",
)
