"""Parameters of a URL are read as everybody reads them, however many escapes they have."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from salesforce_simulator.rest.request import parse_query

_PIECES = st.sampled_from(
    ["%27", "%2C", "%20", "%40", "%25", "%2B", "%26", "%3D", "%C3", "%A4", "%c3", "%2c", *"%+&=27Cä'"]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
def test_parameters_are_read_as_everybody_reads_them(text: str) -> None:
    assert parse_query(text) == dict(parse_qsl(text, keep_blank_values=True))
