// A system without a processor: a small AXI4-Lite master loads the core of `drai-hw rtl pair --bus
// axi4lite`, runs it, and shows on `led` whether the two oscillators came into phase.
module soc_axi4lite(input clk, input rst, output reg done, output reg led);
  // Byte offsets: the register number times 4 (drai_axi4lite.h has them all).
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

  localparam LOAD = 0, POLL = 1, SEEK = 2, FETCH = 3, END = 4;
  reg [2:0] job;
  reg under_way, second;
  reg awvalid, wvalid, arvalid;
  reg [31:0] phase;
  wire awready, wready, arready, bvalid, rvalid;
  wire [1:0] bresp, rresp;
  wire [31:0] read;
  wire write = job == LOAD || job == SEEK;
  wire ended = under_way && (write ? bvalid : rvalid);
  wire [11:0] address = job == LOAD ? program[43:32] : job == POLL ? STATUS
                      : job == SEEK ? INDEX : STATE;
  wire [15:0] apart = read[15:0] - phase[15:0];

  always @(posedge clk)
    if (rst) begin
      job <= LOAD; at <= 0; under_way <= 0; second <= 0; done <= 0; led <= 0; phase <= 0;
      awvalid <= 0; wvalid <= 0; arvalid <= 0;
    end else begin
      if (awready) awvalid <= 0;
      if (wready) wvalid <= 0;
      if (arready) arvalid <= 0;
      if (!under_way && job != END) begin
        under_way <= 1;
        awvalid <= write; wvalid <= write; arvalid <= !write;
      end
      if (ended) begin
        under_way <= 0;
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
        if ((write ? bresp : rresp) != 0) job <= END;
      end
    end

  drai_axi4lite core(
    .s_axi_aclk(clk), .s_axi_aresetn(!rst),
    .s_axi_awaddr(address), .s_axi_awprot(3'b000), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(job == SEEK ? 32'd0 : program[31:0]), .s_axi_wstrb(4'b1111),
    .s_axi_wvalid(wvalid), .s_axi_wready(wready),
    .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1),
    .s_axi_araddr(address), .s_axi_arprot(3'b000), .s_axi_arvalid(arvalid), .s_axi_arready(arready),
    .s_axi_rdata(read), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid), .s_axi_rready(1'b1),
    .busy(), .step_done());
endmodule
