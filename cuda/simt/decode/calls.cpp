#include "cuda/simt/decode/calls.h"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace agon::simt::ptx {

CallParts call_parts(StatementDecoder& s) {
  s.take("uni");
  CallParts parts;
  size_t at = 0;
  const auto names = [&](std::vector<const Operand*>& list) {
    for (const Operand& o : s.operand(at).items) {
      if (o.kind != OperandKind::symbol) s.unknown("an argument that is not in .param space");
      list.push_back(&o);
    }
    ++at;
  };
  if (s.operand(at).kind == OperandKind::list) names(parts.results);
  const Operand& callee = s.operand(at++);
  if (callee.kind != OperandKind::symbol) s.unknown("a call by address");
  parts.callee = callee.name;
  if (at < s.operand_count() && s.operand(at).kind == OperandKind::list) names(parts.arguments);
  s.check_all_taken();
  return parts;
}

bool system_call(StatementDecoder& s, const CallParts& parts) {
  const auto parameter = [&](const Operand& symbol, uint32_t size) {
    const Place place = s.place_of(symbol);
    if (place.kind != Place::Kind::parameter_register || place.size != size)
      s.unknown("an argument of another size");
    return s.virtual_register(place.reg);
  };
  const auto expect = [&](size_t arguments, size_t results) {
    if (parts.arguments.size() != arguments || parts.results.size() != results)
      s.unknown("another number of arguments");
  };
  if (parts.callee == "vprintf") {
    expect(2, 1);
    s.begin(Op::Vprintf);
    s.write(Field::d, parameter(*parts.results[0], 4), 32);
    s.read(Field::a, parameter(*parts.arguments[0], 8), 64u);
    s.read(Field::b, parameter(*parts.arguments[1], 8), 64u);
  } else if (parts.callee == "__assertfail") {
    expect(5, 0);
    s.begin(Op::AssertFail).count = 5;
    s.open_list();
    for (size_t i = 0; i < 5; ++i) {
      const uint32_t size = i == 2 ? 4 : 8;
      s.read_list(parameter(*parts.arguments[i], size), 8 * size);
    }
  } else if (parts.callee == "malloc") {
    expect(1, 1);
    s.begin(Op::DeviceMalloc);
    s.write(Field::d, parameter(*parts.results[0], 8), 64);
    s.read(Field::a, parameter(*parts.arguments[0], 8), 64u);
  } else if (parts.callee == "free") {
    expect(1, 0);
    s.begin(Op::DeviceFree);
    s.read(Field::a, parameter(*parts.arguments[0], 8), 64u);
  } else {
    return false;
  }
  s.emit();
  return true;
}

}  // namespace agon::simt::ptx
