// An FPGA's top around the core of `drai-hw rtl pair --bus uart`: reset after power-up, a light
// that toggles with every frame that was answered. A host with a serial port is the master.
module soc_uart(input clk, input rx, output tx, output led);
  reg [5:0] up = 0;
  wire rst = !up[5];
  always @(posedge clk) if (rst) up <= up + 1;

  drai_uart core(.clk(clk), .rst(rst), .rx(rx), .tx(tx), .busy(), .activity(led));
endmodule
