// An FPGA's top around the core of `drai-hw rtl pair --bus spi`: reset after power-up, a MISO that
// other slaves can share, a light while the core runs. A microcontroller is the master.
module soc_spi(input clk, input sck, input cs_n, input mosi, inout miso, output led);
  reg [5:0] up = 0;
  wire rst = !up[5];
  always @(posedge clk) if (rst) up <= up + 1;

  wire out, drive, busy;
  assign miso = drive ? out : 1'bz;
  assign led = busy;
  drai_spi core(.clk(clk), .rst(rst), .sck(sck), .cs_n(cs_n), .mosi(mosi), .miso(out),
    .miso_oe(drive), .busy(busy), .activity());
endmodule
