"""Tests of operations' judgements."""
