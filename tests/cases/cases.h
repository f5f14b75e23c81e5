#pragma once
#include "cases/elementwise.h"
#include "cases/fusion.h"
#include "cases/loss.h"
#include "cases/norm.h"
#include "cases/random.h"
#include "cases/shape.h"
#include "cases/window.h"

namespace agon::cases {

inline const Kinds& all_kinds() {
  static const Kinds kinds = [] {
    Kinds all;
    for (Kinds family :
         {leaf_kinds(), elementwise_kinds(), shape_kinds(), contraction_kinds(), window_kinds(), norm_kinds(),
          loss_kinds(), optimizer_kinds(), fusion_kinds(), random_kinds()})
      all.merge(family);
    return all;
  }();
  return kinds;
}

/// Builds the case that a descriptor names. Throws Error(usage) for a kind that does not exist.
inline std::unique_ptr<Case> make_case(const std::string& line) {
  auto result = std::make_unique<Case>(line);
  const auto it = all_kinds().find(result->descriptor.kind());
  check(it != all_kinds().end(), ErrorKind::usage, "case: there is no kind '{}'", result->descriptor.kind());
  it->second(*result, result->descriptor);
  return result;
}

/// Every op there is. The cases of an op bear its name.
inline std::vector<Op> all_ops() {
  std::vector<Op> ops;
  for (int i = 0; i <= static_cast<int>(Op::elementwise); ++i) ops.push_back(static_cast<Op>(i));
  return ops;
}

}  // namespace agon::cases
