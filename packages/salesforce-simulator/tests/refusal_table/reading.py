"""What refuses a query, an address or a body."""

from refusal_table.row import LEAD, UNKNOWN, Row, asked, create, query, refused, unsaved
from support.client import OrgClient

WSDL = "Please reference your WSDL or the describe call for the appropriate names."


async def delete_the_lead(org: OrgClient) -> None:
    rows = await org.rows("SELECT Id FROM Lead")
    await org.data("DELETE", f"/sobjects/Lead/{rows[0]['Id']}")


READING: dict[str, Row] = {
    "unknown object in a query": Row(
        "rule",
        400,
        refused(
            "INVALID_TYPE",
            "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
            "sObject type 'XYZZY' is not supported. If you are attempting to use a custom object, be sure to "
            f"append the '__c' after the entity name. {WSDL}",
        ),
        query("select count() from XYZZY"),
    ),
    "unknown object in a collection": Row(
        "rule",
        200,
        [
            {
                "success": False,
                "errors": [
                    {
                        "statusCode": "INVALID_TYPE",
                        "message": "sObject type 'X' is not supported.",
                        "fields": [],
                    }
                ],
            }
        ],
        ("POST", "/composite/sobjects", {"records": [{"attributes": {"type": "X"}}]}),
    ),
    "unknown field in a query": Row(
        "rule",
        400,
        refused(
            "INVALID_FIELD",
            "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\n"
            "No such column 'Foo' on entity 'Lead'. If you are attempting to use a custom field, be sure to "
            f"append the '__c' after the custom field name. {WSDL}",
        ),
        query("SELECT Foo FROM Lead"),
    ),
    "no query": Row("rule", 400, refused("MALFORMED_QUERY", "unexpected token: 'invalid'"), query("invalid")),
    "gone query locator": Row(
        "rule",
        400,
        refused("INVALID_QUERY_LOCATOR", "invalid query locator"),
        ("GET", "/query/0r85g0000000009AAA-2000", None),
    ),
    "gone query locator with the other status": Row(
        "rule",
        404,
        refused("INVALID_QUERY_LOCATOR", "invalid query locator"),
        ("GET", "/query/0r85g0000000009AAA-2000", None),
        switches={"locator_status": 404},
    ),
    "slow query": asked(400, "QUERY_TIMEOUT", "Your query request was running too long."),
    "complicated query": asked(400, "QUERY_TOO_COMPLICATED", "Query is either selecting too many fields."),
    "no such row": Row(
        "rule",
        404,
        refused("NOT_FOUND", "The requested resource does not exist"),
        ("GET", f"/sobjects/Lead/{UNKNOWN}", None),
    ),
    "describe of no object": Row(
        "rule",
        404,
        refused("NOT_FOUND", "The requested resource does not exist"),
        ("GET", "/sobjects/Unicorn/describe", None),
    ),
    "no external id": Row(
        "rule",
        404,
        refused("NOT_FOUND", "Provided external ID field does not exist or is not accessible: Phone"),
        ("PATCH", "/sobjects/Lead/Phone/1", {}),
    ),
    "deleted row": Row(
        "rule",
        404,
        unsaved("ENTITY_IS_DELETED", "entity is deleted"),
        ("GET", "/sobjects/Lead/<Lead>", None),
        seeds={"Lead": LEAD},
        arrange=delete_the_lead,
    ),
    "method not allowed": Row(
        "rule",
        405,
        refused("METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET,POST"),
        ("DELETE", "/sobjects/Lead", None),
    ),
    "changed since": Row(
        "rule",
        412,
        "",
        ("GET", "/sobjects/Lead/<Lead>", None),
        seeds={"Lead": LEAD},
        headers={"If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
    ),
    "URI too long": Row(
        "rule",
        414,
        "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>",
        ("GET", f"/query?q={'x' * 16_400}", None),
    ),
    "headers too large": Row(
        "rule",
        431,
        "<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>",
        ("GET", "/limits", None),
        headers={"X-Trace": "x" * 16_400},
    ),
    "no colon": Row(
        "rule",
        400,
        refused(
            "JSON_PARSER_ERROR",
            "Unexpected character ('j' (code 106)): was expecting a colon to separate field name and value "
            "at [line:1, column:12]",
        ),
        ("POST", "/sobjects/Lead", b'{"LastName"j'),
    ),
    "bad datetime": Row(
        "rule",
        400,
        refused(
            "JSON_PARSER_ERROR",
            'Cannot deserialize instance of datetime from VALUE_STRING value "soon" at [line:1, column:23]',
        ),
        create("Task", ReminderDateTime="soon"),
    ),
    "no body": Row(
        "rule",
        400,
        refused(
            "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
        ),
        ("POST", "/sobjects/Lead", b""),
    ),
    "another media type": Row(
        "rule",
        415,
        refused(
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type header specified in HTTP request is not supported: text/csv",
        ),
        ("POST", "/sobjects/Lead", b"{}"),
        headers={"Content-Type": "text/csv"},
    ),
}
