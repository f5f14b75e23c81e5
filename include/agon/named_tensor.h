#pragma once
#include <string>

#include "agon/tensor.h"

namespace agon {

/// One entry of a tensor file. Parameters bear PyTorch's names ("main.0.weight").
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

}  // namespace agon
