"""Results of parts, as they are kept from one run to the next."""

from pathlib import Path

from bench import results


def test_parts_are_kept_by_name_and_their_figures_in_the_order_of_measurement(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    turns = {"sweep": 1, "arm backfills": 2}
    results.keep({"past": {"figures": {}}, "large_hosts": {"figures": turns}}, path)
    kept = results.read(path)
    assert list(kept) == ["large_hosts", "past"]
    assert list(kept["large_hosts"]["figures"].items()) == list(turns.items())
