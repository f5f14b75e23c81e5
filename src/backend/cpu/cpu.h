#pragma once
#include <memory>

#include "agon/program.h"

namespace agon {

/// The `cpu` backend: oneDNN convolutions over blocked layouts and our own vector kernels for the rest.
std::shared_ptr<Backend> make_cpu_backend();

}  // namespace agon
