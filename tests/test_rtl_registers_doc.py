from pathlib import Path

import pytest

from drai_hw.errors import DraiError
from drai_hw.rtl.frame import FRAME, STATUS_TEXT, Op, Status
from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS, REGISTERS
from drai_hw.rtl.registers_doc import PAGE, main, registers_markdown

ROOT = Path(__file__).parents[1]


def test_the_committed_page_is_fresh():
    assert main(["--check", str(ROOT / PAGE)]) == 0


def test_a_changed_page_is_not_fresh(tmp_path):
    page = tmp_path / "registers.md"
    with pytest.raises(DraiError, match=r"registers\.md is not what the tables say"):
        main(["--check", str(page)])
    main([str(page)])
    assert main(["--check", str(page)]) == 0
    page.write_text(page.read_text().replace("| 17 |", "| 18 |", 1))
    with pytest.raises(DraiError, match="make it again with"):
        main(["--check", str(page)])
    assert list(tmp_path.iterdir()) == [page]


def test_every_register_and_status_is_on_the_page():
    text = registers_markdown()
    for name, register in REGISTERS.items():
        assert f"| {register.address} | `{name}` |" in text
    for status in Status:
        assert f"| {int(status)} | `{status.name}` |" in text
    assert set(STATUS_TEXT) == set(Status)


def test_registers_have_addresses_of_their_own_within_the_bus():
    addresses = [register.address for register in REGISTERS.values()]
    assert len(set(addresses)) == len(addresses)
    assert all(0 <= address < 1 << BUS_ADDRESS_BITS for address in addresses)
    assert all(1 <= register.width <= BUS_DATA_BITS for register in REGISTERS.values())


def test_the_example_frames_of_the_page_are_valid():
    text = registers_markdown()
    request = FRAME.encode_request(Op.READ, 1, 0, count=1)
    assert request.hex(" ") in text
    answer = FRAME.encode_response(1, Status.OK, (0x44524149,))
    assert answer.hex(" ") in text
    assert FRAME.decode_response(answer).words == (0x44524149,)
