"""Organization, users and what administrators set up: groups, record types, statuses, rules, permissions."""

ORGANIZATION = """
Name                | string(80)   |     | Name
OrganizationType    | picklist(40) |     | Edition
InstanceName        | string(5)    | N   | Instance Name
IsSandbox           | boolean      | D   | Is Sandbox
NamespacePrefix     | string(15)   | N   | Namespace Prefix
TimeZoneSidKey      | picklist(40) |     | Time Zone
LanguageLocaleKey   | picklist(40) |     | Language
DefaultLocaleSidKey | picklist(40) |     | Locale
PrimaryContact      | string(80)   | N   | Primary Contact
Country             | string(80)   | N   | Country
DefaultLeadAccess   | picklist(40) | N   | Default Lead Access
TrialExpirationDate | datetime     | N   | Trial Expiration Date
"""

USER = """
Username          | string(80)   | CUL  | Username
LastName          | string(80)   | CU   | Last Name
FirstName         | string(40)   | CUN  | First Name
Name              | string(121)  |      | Full Name
Email             | email(128)   | CU   | Email
Alias             | string(8)    | CU   | Alias
Title             | string(80)   | CUN  | Title
Phone             | phone(40)    | CUN  | Phone
MobilePhone       | phone(40)    | CUN  | Mobile
TimeZoneSidKey    | picklist(40) | CU   | Time Zone
LocaleSidKey      | picklist(40) | CU   | Locale
LanguageLocaleKey | picklist(40) | CU   | Language
UserType          | picklist(40) |      | User Type
IsActive          | boolean      | CUD  | Active
UserPermissionsMarketingUser | boolean | CUD | Marketing User
"""

GROUP = """
Name          | string(40)   | CU  | Name
DeveloperName | string(80)   | CUN | Developer Name
Type          | picklist(40) | C   | Type | Queue; Regular
Email         | email(255)   | CUN | Email
"""

CALENDAR = """
Name     | string(80)   |   | Calendar Name
UserId   | reference    | N | User ID | -> User as User
Type     | picklist(40) |   | Calendar Type | User; Public; Resource; Holiday
IsActive | boolean      | D | Active
"""

RECORD_TYPE = """
Name          | string(80) | CU  | Name
DeveloperName | string(80) | CU  | Record Type Name
SobjectType   | picklist(40) | C | SObject Type Name
IsActive      | boolean    | CUD | Active
IsPersonType  | boolean    | D   | Is Person Type
"""

ACTIVITY_STATUS = """
ApiName     | string(255) |   | API Name
MasterLabel | string(255) |   | Label
IsClosed    | boolean     | D | Closed
IsDefault   | boolean     | D | Is Default
SortOrder   | int         |   | Sort Order
"""

DUPLICATE_RULE = """
DeveloperName  | string(80)   |   | Object Name
MasterLabel    | string(80)   |   | Rule Name
SobjectType    | picklist(40) |   | Object
SobjectSubtype | picklist(40) | N | Object Subtype
IsActive       | boolean      | D | Active
"""

ASSIGNMENT_RULE = """
Name        | string(120)  |   | Name
SobjectType | picklist(40) |   | Object
Active      | boolean      | D | Active
"""

PERMISSION_SET = """
Name             | string(80) |   | Permission Set Name
Label            | string(80) |   | Permission Set Label
IsOwnedByProfile | boolean    | D | Is Owned By Profile
"""

OBJECT_PERMISSIONS = """
ParentId                  | reference    |   | Parent ID   | -> PermissionSet as Parent children ObjectPerms
SobjectType               | picklist(40) |   | Sobject Type Name
PermissionsRead           | boolean      | D | Read
PermissionsCreate         | boolean      | D | Create
PermissionsEdit           | boolean      | D | Edit
PermissionsDelete         | boolean      | D | Delete
PermissionsViewAllRecords | boolean      | D | Read All
"""

PERMISSION_SET_ASSIGNMENT = """
AssigneeId      | reference |   | Assignee ID       | -> User as Assignee children PermissionSetAssignments
PermissionSetId | reference |   | Permission Set ID | -> PermissionSet as PermissionSet children Assignments
ExpirationDate  | datetime  | N | Expires On
"""

USER_RECORD_ACCESS = """
UserId            | reference    |   | User ID | -> User
RecordId          | reference    |   | Record ID
HasReadAccess     | boolean      | D | Has Read Access
HasEditAccess     | boolean      | D | Has Edit Access
HasDeleteAccess   | boolean      | D | Has Delete Access
HasTransferAccess | boolean      | D | Has Transfer Access
HasAllAccess      | boolean      | D | Has All Access
MaxAccessLevel    | picklist(40) |   | Maximum Access Level
"""
