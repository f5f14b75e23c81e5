#include "parity/table.h"

namespace agon::parity {

std::vector<ParityCase> window_table() {
  std::vector<ParityCase> cases;
  const std::vector<std::string> pools{
      "mb2 ih6 iw4 ic3 kh2 kw2 sh2 sw2",
      "mb2 ih7 iw5 ic17 kh3 kw3 sh2 sw2 pt1 pl1 pb1 pr1",
      "mb1 ih5 iw4 ic2 kh3 kw2 sh2 sw1 pt1 pr1",
      "mb1 ih5 iw5 ic16 kh5 kw5",
      "mb3 ih1 iw1 ic5",
      "rank1 mb2 iw7 ic3 kw3 sw2 pl1",
  };
  for (const std::string& pool : pools) {
    for (const std::string op :
         {"avg_pool ", "avg_pool_grad ", "max_pool ", "max_pool_grad ", "max_pool_take "})
      cases.push_back({op + pool});
    for (const std::string op : {"avg_pool ", "avg_pool_grad "}) cases.push_back({op + pool + " cip0"});
  }
  for (const std::string mode : {"nearest", "half_pixel", "align_corners", "asymmetric"})
    for (const std::string size :
         {"mb2 ih3 iw4 ic3 oh6 ow8", "mb1 ih5 iw4 ic2 oh7 ow3", "mb1 ih9 iw8 ic17 oh5 ow3",
          "mb1 ih1 iw1 ic2 oh3 ow2", "mb2 ih4 iw4 ic1 oh1 ow1", "mb1 ih4 iw5 ic16 oh4 ow5"})
      for (const std::string op : {"resize mode:", "resize_grad mode:"})
        cases.push_back({op + mode + " " + size});
  return cases;
}

}  // namespace agon::parity
