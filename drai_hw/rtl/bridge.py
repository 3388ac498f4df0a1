"""Bridge from a byte stream of frames to the core's register bus."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from drai_hw.errors import SpecError
from drai_hw.rtl.frame import FRAME, FrameFormat, Op, Status
from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS, REGISTERS

BUFFER_BYTES = 512
"""Request buffer: one 4 Kbit block RAM of an iCE40; holds the longest frame."""


class Bridge(wiring.Component):
    """Parse requests, carry them out on the register bus, and answer each one.

    All received bytes go into a ring buffer, and a frame stays there until it is answered: the
    parser runs over it first, and only when the checksum is right goes back to the payload and
    executes it. So a damaged frame writes nothing, and requests may follow each other without
    waiting while they fit the buffer (`buffer_bytes` - 1 bytes, the payload being executed
    included; of what does not fit, the frame fails its checksum or times out).

    While the core is busy only STATUS may be read; anything else is answered with BUSY. A write
    burst that meets a busy core in its middle stops there: the words before are done. A frame
    whose rest does not come is given up after `timeout_clocks` to twice that many clocks without
    a byte, or at once when `rx_end` says that none will come; it is answered with TIMEOUT, and
    the parser looks for the next frame.

    Latency: a write of n words reaches the bus within 13 n + 5 clocks (and the core's own) behind
    the last byte of the frame. Throughput: the serial line is the limit, one byte in three clocks.

    Parameters
    ----------
    timeout_clocks : int
        Least silence inside a frame, in clocks, that is taken for a loss, >= 16. Rounded up to a
        power of two.
    buffer_bytes : int
        Depth of the request buffer, a power of two above the longest request payload.
    frame : FrameFormat
        Layout of the frames.

    Raises
    ------
    SpecError
        A parameter is out of its range.
    """

    def __init__(
        self,
        *,
        timeout_clocks: int,
        buffer_bytes: int = BUFFER_BYTES,
        frame: FrameFormat = FRAME,
    ) -> None:
        if timeout_clocks < 16:
            raise SpecError(f"timeout_clocks={timeout_clocks!r} given; at least 16 are needed")
        longest = 4 * frame.max_words + 2
        if buffer_bytes & (buffer_bytes - 1) or buffer_bytes <= longest:
            raise SpecError(
                f"buffer_bytes={buffer_bytes!r} given; a power of two above {longest} is needed "
                f"for frames of {frame.max_words} words"
            )
        if frame.address_bits != BUS_ADDRESS_BITS:
            raise SpecError(
                f"frame.address_bits={frame.address_bits!r} given; the bus has {BUS_ADDRESS_BITS}"
            )
        self.timeout_bits = (timeout_clocks - 1).bit_length()
        self.buffer_bytes = buffer_bytes
        self.frame = frame
        super().__init__(
            {
                "rx_data": In(8),
                "rx_valid": In(1),
                "rx_end": In(1),
                "tx_data": Out(8),
                "tx_valid": Out(1),
                "tx_ready": In(1),
                "addr": Out(BUS_ADDRESS_BITS),
                "wdata": Out(BUS_DATA_BITS),
                "we": Out(1),
                "re": Out(1),
                "rdata": In(BUS_DATA_BITS),
                "ack": In(1),
                "busy": In(1),
                "activity": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build buffer, parser and answer."""
        m = Module()
        frame = self.frame
        words_bits = frame.max_words.bit_length()

        # -- ring buffer of received bytes ---------------------------------------------------
        m.submodules.buffer = buffer = Memory(shape=8, depth=self.buffer_bytes, init=[])
        write_port = buffer.write_port()
        read_port = buffer.read_port()
        pointer = range(self.buffer_bytes)
        written = Signal(pointer)
        read = Signal(pointer)
        keep = Signal(pointer)
        read_next = Signal(pointer)
        room = Signal()
        fresh = Signal()  # the byte at `read` stands in `byte`
        take = Signal()
        rewind = Signal()
        fetched = Signal()  # the byte at `read` stands at the memory's output
        byte = Signal(8, reset_less=True)

        m.d.comb += [
            # `keep` is the oldest byte still needed; one byte of the ring stays empty.
            room.eq(Cat((written + 1)[: len(written)]) != keep),
            write_port.addr.eq(written),
            write_port.data.eq(self.rx_data),
            write_port.en.eq(self.rx_valid & room),
            read_port.addr.eq(read),
            read_next.eq(read + 1),
        ]
        moved = take | rewind
        m.d.sync += [
            fetched.eq((read != written) & ~moved),
            fresh.eq(fetched & ~moved),
            # A block memory is slow to answer: without this register its output would be the
            # start of the longest path of small designs.
            byte.eq(read_port.data),
        ]
        with m.If(write_port.en):
            m.d.sync += written.eq(written + 1)
        with m.If(rewind):
            m.d.sync += read.eq(keep)
        with m.Elif(take):
            m.d.sync += read.eq(read_next)

        # -- silence inside a frame ----------------------------------------------------------
        silence = Signal(self.timeout_bits + 1)
        late = silence[-1]
        with m.If(self.rx_valid):
            m.d.sync += silence.eq(0)
        with m.Elif(self.rx_end):
            m.d.sync += silence.eq(1 << self.timeout_bits)
        with m.Elif(~late):
            m.d.sync += silence.eq(silence + 1)

        # -- the request being worked on -----------------------------------------------------
        write = Signal()
        fixed = Signal()
        strange_op = Signal()
        strange_addr = Signal()
        strange_words = Signal()
        tag = Signal(8)
        last_tag = Signal(8)
        tag_known = Signal()
        addr = Signal(BUS_ADDRESS_BITS)
        words = Signal(words_bits)
        left = Signal(words_bits + 2)  # bytes to go: payload, and the two of the checksum
        data = Signal(BUS_DATA_BITS)
        status = Signal(Status)
        refused = Signal()
        with_data = Signal()

        m.submodules.crc = crc = frame.crc.create()
        sending = Signal()
        m.d.comb += [
            crc.data.eq(Mux(sending, self.tx_data, byte)),
            self.addr.eq(addr),
            self.wdata.eq(data),
        ]
        # Reading STATUS is how a host waits for the end of a run. A clock late, which no state
        # notices: those that look come many clocks behind a change of address or core.
        m.d.sync += refused.eq(self.busy & (write | (addr != REGISTERS["STATUS"].address)))
        step_addr = Mux(fixed, addr, addr + 1)
        # The strobe ends with the acknowledge, the parser goes on a clock later: the core's
        # decoder and the parser's would else be one long path.
        acked = Signal()
        m.d.sync += acked.eq(self.ack)

        def give_up() -> None:
            """Leave a frame whose rest does not come."""
            with m.If(late & ~fresh & (read == written)):
                m.d.sync += [status.eq(Status.TIMEOUT), with_data.eq(0)]
                m.next = "ANSWER"

        with m.FSM():
            with m.State("HUNT"):
                m.d.sync += keep.eq(read)
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    with m.If(byte == frame.request_sync[0]):
                        m.next = "SYNC"
            with m.State("SYNC"):
                m.d.comb += crc.start.eq(1)
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    with m.If(byte == frame.request_sync[1]):
                        m.next = "OP"
                    with m.Elif(byte != frame.request_sync[0]):
                        m.next = "HUNT"
            with m.State("OP"):
                give_up()
                m.d.comb += crc.valid.eq(take)
                m.d.sync += [
                    write.eq(byte[0]),
                    fixed.eq(byte[1]),
                    strange_op.eq((byte & ~int(Op.WRITE | Op.FIXED) & 0xFF).any()),
                ]
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    m.next = "TAG"
            with m.State("TAG"):
                give_up()
                m.d.comb += crc.valid.eq(take)
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    m.d.sync += tag.eq(byte)
                    m.next = "ADDR"
            with m.State("ADDR"):
                give_up()
                m.d.comb += crc.valid.eq(take)
                m.d.sync += [addr.eq(byte), strange_addr.eq(byte[BUS_ADDRESS_BITS:].any())]
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    m.next = "WORDS"
            with m.State("WORDS"):
                give_up()
                m.d.comb += crc.valid.eq(take)
                m.d.sync += [
                    words.eq(byte),
                    strange_words.eq(byte[words_bits:].any() | (byte == 0)),
                    left.eq(Cat(Const(2, 2), Mux(write, byte[:words_bits], 0))),
                ]
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    m.d.sync += keep.eq(read_next)
                    m.next = "BODY"
            with m.State("BODY"):
                give_up()
                m.d.comb += crc.valid.eq(take)
                with m.If(fresh):
                    m.d.comb += take.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += [status.eq(Status.OK), with_data.eq(0)]
                m.next = "ANSWER"
                with m.If(~crc.match_detected):
                    m.d.sync += status.eq(Status.BAD_CRC)
                with m.Elif(strange_op):
                    m.d.sync += status.eq(Status.UNKNOWN_OP)
                with m.Elif(strange_addr):
                    m.d.sync += status.eq(Status.BAD_ADDRESS)
                with m.Elif(strange_words):
                    m.d.sync += status.eq(Status.BAD_LENGTH)
                with m.Elif(write & tag_known & (tag == last_tag)):
                    pass  # the host repeats what was done already
                with m.Elif(write):
                    m.d.comb += rewind.eq(1)
                    m.d.sync += left.eq(Cat(Const(2, 2), words))
                    m.next = "GATHER"
                with m.Elif(refused):
                    m.d.sync += status.eq(Status.BUSY)
                with m.Else():
                    m.d.sync += [with_data.eq(1), last_tag.eq(tag), tag_known.eq(1)]
            with m.State("GATHER"):  # four bytes to a word; in the end step over the checksum
                m.d.comb += take.eq(fresh)
                with m.If(fresh):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left[2:].any() | (left[:2] == 3)):
                        m.d.sync += data.eq(Cat(data[8:], byte))
                        with m.If(left[:2] == 3):
                            m.next = "STORE"
                    with m.Elif(left[0]):
                        with m.If(status == Status.OK):
                            m.d.sync += [last_tag.eq(tag), tag_known.eq(1)]
                        m.next = "ANSWER"
            with m.State("STORE"):
                # Looked at once, before the access: the access itself may be what starts a run.
                m.next = "BUS"
                with m.If((status != Status.OK) | refused):
                    m.d.sync += status.eq(Status.BUSY)
                    m.next = "GATHER"
            with m.State("BUS"):
                m.d.comb += self.we.eq(~acked)
                with m.If(acked):
                    m.d.sync += addr.eq(step_addr)
                    m.next = "GATHER"

            # -- the answer ------------------------------------------------------------------
            def send(value: ValueLike, then: str, *, summed: bool = True) -> None:
                """Send one byte; `summed` ones count for the checksum."""
                m.d.comb += [self.tx_data.eq(value), self.tx_valid.eq(1), sending.eq(1)]
                with m.If(self.tx_ready):
                    m.d.comb += crc.valid.eq(int(summed))
                    m.next = then

            with m.State("ANSWER"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += left.eq(Cat(Const(0, 2), words))
                send(frame.response_sync[0], "SYNC2", summed=False)
            with m.State("SYNC2"):
                m.d.comb += crc.start.eq(1)
                send(frame.response_sync[1], "SEND_TAG", summed=False)
            with m.State("SEND_TAG"):
                send(tag, "SEND_STATUS")
            with m.State("SEND_STATUS"):
                send(status, "SEND_WORDS")
            with m.State("SEND_WORDS"):
                send(Mux(with_data, words, 0), "FETCH")
                with m.If(self.tx_ready & ~with_data):
                    m.next = "CRC_HIGH"
            with m.State("FETCH"):
                m.d.comb += self.re.eq(~acked)
                with m.If(~acked):
                    m.d.sync += data.eq(self.rdata)  # in the end that of the acknowledge
                with m.Else():
                    m.d.sync += addr.eq(step_addr)
                    m.next = "SEND_DATA"
            with m.State("SEND_DATA"):
                send(data[:8], "SEND_DATA")
                with m.If(self.tx_ready):
                    m.d.sync += [data.eq(data[8:]), left.eq(left - 1)]
                    with m.If(left[:2] == 1):
                        m.next = "FETCH"
                    with m.If(left == 1):
                        m.next = "CRC_HIGH"
            with m.State("CRC_HIGH"):
                send(crc.crc[8:], "CRC_LOW", summed=False)
            with m.State("CRC_LOW"):
                send(crc.crc[:8], "HUNT", summed=False)
                with m.If(self.tx_ready):
                    m.d.sync += self.activity.eq(~self.activity)
        return m
