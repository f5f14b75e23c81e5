#pragma once
#include <vector>

#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {

struct CallParts {
  std::string_view callee;
  std::vector<const Operand*> results, arguments;  ///< names of .param variables
};

/// The parts of "call.uni (results), callee, (arguments)"; throws for calls by address.
CallParts call_parts(StatementDecoder& s);

/// Emits the operation that stands for a function of the CUDA system (vprintf, __assertfail, malloc, free);
/// false if it is not one.
bool system_call(StatementDecoder& s, const CallParts& parts);

}  // namespace agon::simt::ptx
