#pragma once
#include <memory>
#include <string_view>

#include "agon/program.h"

namespace agon {

/// Opens "cuda", "cuda:N" or "simt" to work on a stream of the caller's (a cudaStream_t of that device; null
/// is the default stream), so that an embedding program orders Agon's work with its own. The stream must
/// outlive the backend and all that was made with it. Throws as open_backend does, and Error(usage) for other
/// backends, which have no streams.
std::shared_ptr<Backend> open_backend_on_stream(std::string_view name, void* stream);

}  // namespace agon
