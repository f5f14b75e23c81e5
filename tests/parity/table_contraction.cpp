#include "parity/table.h"

namespace agon::parity {
namespace {

/// Geometries of a convolution; each is run as conv, conv_input_grad and conv_weight_grad.
const std::vector<std::string> geometries{
    // Odd sizes, stride 2, padding that differs between the ends.
    "mb2 ih7 iw5 ic3 oc5 kh3 kw3 sh2 sw2 pt1 pl0 pb0 pr1",
    "mb2 ih7 iw7 ic1 oc2 kh3 kw3 pt1 pl1 pb1 pr1",
    "mb1 ih8 iw8 ic3 oc4 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1",
    "mb3 ih9 iw6 ic4 oc1 kh5 kw2 sh2 sw1 pt2 pb1 pl1",
    "mb2 ih8 iw6 ic5 oc3 kh5 kw5 sh2 sw2 pt1 pb2 pl1 pr2",
    "mb1 ih9 iw10 ic2 oc2 kh2 kw2 sh3 sw3",
    "mb2 ih5 iw5 ic2 oc3 kh3 kw3 pt2 pl2 pb2 pr2",
    // Channel counts around a vector's width.
    "mb2 ih6 iw5 ic16 oc17 kh3 kw3 pt1 pl1 pb1 pr1",
    "mb2 ih5 iw6 ic17 oc16 kh3 kw3 sh2 sw2 pt1 pl1 pb1 pr1",
    "mb2 ih4 iw4 ic64 oc64 kh3 kw3 pt1 pl1 pb1 pr1",
    "mb1 ih8 iw8 ic3 oc64 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1",
    "mb1 ih8 iw8 ic64 oc3 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1",
    "mb2 ih5 iw5 ic17 oc1 kh5 kw5 pt2 pl2 pb2 pr2",
    // Groups, depthwise, dilation.
    "mb2 ih5 iw5 ic4 oc6 kh3 kw3 pt1 pl1 pb1 pr1 g2",
    "mb1 ih6 iw6 ic5 oc5 kh3 kw3 sh2 sw2 pt1 pl1 pb1 pr1 g5",
    "mb2 ih6 iw6 ic16 oc32 kh3 kw3 pt1 pl1 pb1 pr1 g16",
    "mb1 ih9 iw8 ic2 oc3 kh3 kw3 pt2 pl2 pb2 pr2 d2",
    "mb1 ih9 iw9 ic4 oc4 kh3 kw3 sh2 sw2 pt3 pl2 pb2 pr3 d2 g2",
    // One pixel in, one pixel out, one by one.
    "mb1 ih1 iw1 ic3 oc2",
    "mb4 ih4 iw4 ic16 oc8 kh4 kw4",
    "mb4 ih4 iw4 ic5 oc1 kh4 kw4",
    "mb1 ih4 iw4 ic3 oc2 kh4 kw4 g1",
    "mb2 ih5 iw3 ic17 oc5",
    "mb3 ih1 iw7 ic3 oc4 kw3 pl1 pr1",
    "mb1 ih4 iw4 ic4 oc4 kh4 kw4 g2",
    // One-dimensional.
    "rank1 mb2 iw9 ic3 oc4 kw3 sw2 pl1 pr1",
};

/// A backend may not have these.
const std::vector<std::string> volumes{
    "rank3 mb1 id4 ih5 iw3 ic2 oc3 kd3 kh3 kw2 sd2 sh1 sw1 pf1 pk0 pt1 pb1 pl0 pr1",
    "rank3 mb2 id3 ih3 iw3 ic4 oc4 kd2 kh2 kw2 g2",
};

}  // namespace

std::vector<ParityCase> contraction_table() {
  std::vector<ParityCase> cases;
  for (const std::string op : {"conv ", "conv_input_grad ", "conv_weight_grad "}) {
    for (const std::string& geometry : geometries) cases.push_back({op + geometry});
    for (const std::string& volume : volumes) cases.push_back({op + volume, 1e-5, true});
  }
  for (const std::string size :
       {"m1 n1 k1", "m2 n3 k4", "m7 n5 k17", "m16 n64 k16", "m33 n1 k65", "m1 n17 k5"})
    for (const std::string transposed : {"", " ta1", " tb1", " ta1 tb1"})
      cases.push_back({"matmul " + size + transposed});
  for (const std::string transposed : {"", " ta1", " tb1", " ta1 tb1"})
    cases.push_back({"matmul mb3 m5 n4 k7" + transposed});
  return cases;
}

}  // namespace agon::parity
