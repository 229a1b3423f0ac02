"""The Salesforce wire: knows neither database nor web framework nor settings; all is handed in."""
