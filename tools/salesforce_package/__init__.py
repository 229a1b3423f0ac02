"""The generated part of the Salesforce package's source: fields, buttons, translations, permission sets."""
