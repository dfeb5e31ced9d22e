"""Whoever spares the garbage collector puts it back, however many do so at once."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from projections.collector import settled, spared


def test_blocks_that_overlap_share_it_and_the_last_puts_it_back() -> None:
    first, second = spared(), spared()
    first.__enter__()
    second.__enter__()
    assert not gc.isenabled()
    gc.freeze()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0
    second.__exit__(None, None, None)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_many_threads() -> None:
    together = Barrier(8)

    def often() -> None:
        together.wait(10)
        for _ in range(200):
            with spared():
                assert not gc.isenabled()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(often) for _ in range(8)]:
            done.result()
    assert gc.isenabled()


def test_what_somebody_else_disabled_or_froze_stays_so() -> None:
    gc.disable()
    gc.freeze()
    try:
        with spared(), settled():
            pass
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()


def test_a_settled_process_is_as_before_afterwards() -> None:
    usual = gc.get_threshold()
    with settled():
        assert gc.get_threshold() != usual
        assert gc.get_freeze_count() > 0
        with spared():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0
