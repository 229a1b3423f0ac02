"""Tests of the Salesforce client: pure, without sockets."""
