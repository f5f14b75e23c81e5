#pragma once
#include <memory>
#include <string>

#include "agon/program.h"

namespace agon {

/// The `cpu` backend: oneDNN convolutions over blocked layouts and our own vector kernels for the rest.
std::shared_ptr<Backend> make_cpu_backend();

namespace cpu {

/// Of the library that is loaded: "2.6.3".
std::string onednn_version();

}  // namespace cpu
}  // namespace agon
