// Behavioural model of the iCE40 UltraPlus primitive SB_SPRAM256KA, after its description in
// Lattice FPGA-TN-02022 (single port, 16,384 x 16, nibble write mask, no start contents).
// What the description leaves open is unknown: the output after a write, and all words in sleep
// and power-off. POWEROFF is active low.
// Yosys reads it for simulators of two states, which know no unknown: there it is a wrong value.
// The output after a write is the complement of what was written, in sleep and power-off that of
// the address; the bench fills the words before the run.
`timescale 1ns/1ps
module SB_SPRAM256KA (
  input  [13:0] ADDRESS,
  input  [15:0] DATAIN,
  input  [3:0]  MASKWREN,
  input         WREN,
  input         CHIPSELECT,
  input         CLOCK,
  input         STANDBY,
  input         SLEEP,
  input         POWEROFF,
  output reg [15:0] DATAOUT
);
  reg [15:0] words [16383:0];
  integer nibble;
`ifdef YOSYS
  always @(posedge CLOCK) begin
    if (SLEEP || !POWEROFF) begin
      DATAOUT <= ~{2'b00, ADDRESS};
    end else if (!STANDBY && CHIPSELECT) begin
      if (WREN) begin
        for (nibble = 0; nibble < 4; nibble = nibble + 1)
          if (MASKWREN[nibble])
            words[ADDRESS][4 * nibble +: 4] <= DATAIN[4 * nibble +: 4];
        DATAOUT <= ~DATAIN;
      end else begin
        DATAOUT <= words[ADDRESS];
      end
    end
  end
`else
  always @(posedge CLOCK) begin
    if (SLEEP !== 1'b0 || POWEROFF !== 1'b1) begin
      DATAOUT <= 16'hxxxx;
    end else if (STANDBY === 1'b0 && CHIPSELECT !== 1'b0) begin
      // An unknown select or write enable may have written anything anywhere: the word is lost.
      if (CHIPSELECT === 1'bx || WREN === 1'bx) begin
        words[ADDRESS] <= 16'hxxxx;
        DATAOUT <= 16'hxxxx;
      end else if (WREN) begin
        for (nibble = 0; nibble < 4; nibble = nibble + 1)
          if (MASKWREN[nibble])
            words[ADDRESS][4 * nibble +: 4] <= DATAIN[4 * nibble +: 4];
        DATAOUT <= 16'hxxxx;
      end else begin
        DATAOUT <= words[ADDRESS];
      end
    end
  end
`endif
endmodule
