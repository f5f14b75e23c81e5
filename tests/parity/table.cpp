#include "parity/table.h"

namespace agon::parity {

const std::vector<ParityCase>& table() {
  static const std::vector<ParityCase> all = [] {
    std::vector<ParityCase> result;
    for (const auto& family : {elementwise_table(), shape_table(), contraction_table(), window_table(),
                               norm_table(), loss_table(), fusion_table()})
      result.insert(result.end(), family.begin(), family.end());
    return result;
  }();
  return all;
}

}  // namespace agon::parity
