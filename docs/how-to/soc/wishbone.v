// A system without a processor: a small Wishbone master loads the core of `drai-hw rtl pair --bus
// wishbone`, runs it, and shows on `led` whether the two oscillators came into phase.
module soc_wishbone(input clk, input rst, output reg done, output reg led);
  // Byte offsets: the register number times 4 (drai_wishbone.h has them all).
  localparam STATUS = 12'h014, CONTROL = 12'h018, STEPS = 12'h01c, GAIN = 12'h020,
             INDEX = 12'h040, STATE = 12'h044, INPUT = 12'h04c, WEIGHT_ADDRESS = 12'h050,
             WEIGHT = 12'h054;
  localparam WRITES = 12;

  reg [43:0] program;  // offset and word of each write
  reg [3:0] at;
  always @* case (at)
    4'd0: program = {GAIN, 32'd10};
    4'd1: program = {INDEX, 32'd0};
    4'd2: program = {STATE, 32'h0000};             // oscillator 0 at 0 degrees
    4'd3: program = {STATE, 32'h6000};             // oscillator 1 at 135 degrees
    4'd4: program = {INDEX, 32'd0};
    4'd5: program = {INPUT, 32'h80000000};         // both active, no input
    4'd6: program = {INPUT, 32'h80000000};
    4'd7: program = {WEIGHT_ADDRESS, 32'd0};
    4'd8: program = {WEIGHT, 32'd15};              // lane 0 holds the pair, lane 1 nothing
    4'd9: program = {WEIGHT, 32'd0};
    4'd10: program = {STEPS, 32'd200};
    default: program = {CONTROL, 32'h12};          // COUPLE and RUN
  endcase

  // One transfer after the other: strobe up, strobe down with the acknowledge.
  localparam LOAD = 0, POLL = 1, SEEK = 2, FETCH = 3, END = 4;
  reg [2:0] job;
  reg strobe, second;
  reg [31:0] phase;
  wire [31:0] read;
  wire ack, err;
  wire write = job == LOAD || job == SEEK;
  wire [11:0] address = job == LOAD ? program[43:32] : job == POLL ? STATUS
                      : job == SEEK ? INDEX : STATE;
  wire [15:0] apart = read[15:0] - phase[15:0];

  always @(posedge clk)
    if (rst) begin
      job <= LOAD; at <= 0; strobe <= 0; second <= 0; done <= 0; led <= 0; phase <= 0;
    end else if (!strobe)
      strobe <= job != END;
    else if (ack || err) begin
      strobe <= 0;
      case (job)
        LOAD: if (at == WRITES - 1) job <= POLL; else at <= at + 1;
        POLL: if (!read[0]) job <= SEEK;
        SEEK: job <= FETCH;
        FETCH: begin
          phase <= read;
          second <= 1;
          if (second) begin
            job <= END;
            done <= 1;
            led <= apart < 16'h0800 || apart > 16'hf800;  // less than 11 degrees apart
          end
        end
        default: ;
      endcase
      if (err) job <= END;
    end

  drai_wishbone core(
    .wb_clk_i(clk), .wb_rst_i(rst), .wb_cyc_i(strobe), .wb_stb_i(strobe), .wb_we_i(write),
    .wb_adr_i(address), .wb_dat_i(job == SEEK ? 32'd0 : program[31:0]), .wb_sel_i(4'b1111),
    .wb_dat_o(read), .wb_ack_o(ack), .wb_err_o(err), .busy(), .step_done());
endmodule
