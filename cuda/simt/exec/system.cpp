// What nvcc compiles to calls of the system: printf, assert, malloc and free.
#include <bit>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <string>

#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/worker.h"

namespace agon::simt {

namespace {

// Where a generic address of `lane` points, and how many bytes may be read there at most (0: none).
struct Place {
  const std::byte* data = nullptr;
  std::uint64_t bytes = 0;
};
Place find_place(Warp& w, int lane, std::uint64_t address) {
  const std::uint64_t window = address & window_mask;
  if (window == local_window) {
    const std::uint64_t size = w.worker->run.code.kernel.local_bytes, at = address - local_window;
    if (at >= size) return {};
    return {w.local + static_cast<std::uint64_t>(lane) * size + at, size - at};
  }
  if (window == shared_window) {
    const std::uint64_t at = address - shared_window;
    if (at >= w.block->shared_bytes) return {};
    return {w.block->shared + at, w.block->shared_bytes - at};
  }
  const std::optional<Allocation> allocation = w.worker->memory.find(address);
  if (!allocation) return {};
  return {w.worker->memory.alias(address), allocation->address + allocation->bytes - address};
}
std::string text_at(Warp& w, int lane, std::uint64_t address) {
  const Place place = find_place(w, lane, address);
  const auto* text = reinterpret_cast<const char*>(place.data);
  return place.bytes ? std::string(text, strnlen(text, place.bytes)) : std::string("(null)");
}

// printf with its arguments from a block of memory, each aligned to its size.
class Formatter {
 public:
  Formatter(Warp& w, int lane, std::uint64_t arguments)
      : w_(w), lane_(lane), arguments_(find_place(w, lane, arguments)) {}

  std::string run(const std::string& format) {
    std::string out;
    for (std::size_t i = 0; i < format.size();) {
      if (format[i] != '%') {
        out += format[i++];
        continue;
      }
      std::string spec = "%";
      ++i;
      while (i < format.size() && std::strchr("-+ #0123456789.*", format[i])) {
        if (format[i] == '*')
          spec += std::to_string(static_cast<std::int32_t>(next<std::uint32_t>()));
        else
          spec += format[i];
        ++i;
      }
      bool wide = false;
      while (i < format.size() && std::strchr("hlLzjt", format[i])) wide |= format[i++] != 'h';
      if (i == format.size()) break;
      out += one(spec, format[i++], wide);
    }
    return out;
  }

 private:
  template <class T>
  T next() {
    at_ = (at_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    T value{};
    if (at_ + sizeof(T) <= arguments_.bytes) std::memcpy(&value, arguments_.data + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  template <class T>
  static std::string print(const std::string& spec, T value) {
    const int length = std::snprintf(nullptr, 0, spec.c_str(), value);
    std::string out(static_cast<std::size_t>(length > 0 ? length : 0), '\0');
    std::snprintf(out.data(), out.size() + 1, spec.c_str(), value);
    return out;
  }
  std::string one(const std::string& spec, char kind, bool wide) {
    switch (kind) {
      case '%':
        return "%";
      case 'd':
      case 'i':
        return print(spec + "lld",
                     wide ? static_cast<long long>(next<std::uint64_t>())
                          : static_cast<long long>(static_cast<std::int32_t>(next<std::uint32_t>())));
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return print(spec + "ll" + kind, wide ? static_cast<unsigned long long>(next<std::uint64_t>())
                                              : static_cast<unsigned long long>(next<std::uint32_t>()));
      case 'c':
        return print(spec + "c", static_cast<int>(next<std::uint32_t>()));
      case 'p':
        return print(spec + "p", reinterpret_cast<void*>(next<std::uint64_t>()));
      case 's':
        return print(spec + "s", text_at(w_, lane_, next<std::uint64_t>()).c_str());
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
      case 'a':
      case 'A':
        return print(spec + kind, next<double>());
      default:
        return spec + kind;
    }
  }

  Warp& w_;
  int lane_;
  Place arguments_;
  std::uint64_t at_ = 0;
};

const Step* vprintf_lanes(Warp& w, const Step* s) {
  const Instruction& in = *s->in;
  Run& run = w.worker->run;
  std::string text;
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    const std::uint64_t arguments = in.b == no_operand ? 0 : lanes<std::uint64_t>(w, s->b)[i];
    text += Formatter(w, i, arguments).run(text_at(w, i, lanes<std::uint64_t>(w, s->a)[i]));
    if (in.d != no_operand) lanes<std::uint32_t>(w, s->d)[i] = 1;
  }
  const std::lock_guard lock(run.print_mutex);
  if (run.options.print)
    run.options.print(text);
  else
    std::fwrite(text.data(), 1, text.size(), stdout);
  return s + 1;
}

const Step* assert_fail(Warp& w, const Step* s) {
  const int lane = std::countr_zero(w.exec);
  const auto pointer = [&](int k) { return lanes<std::uint64_t>(w, s->list[k])[lane]; };
  stop(w, s, FaultKind::trap, w.exec,
       fmt::format("assertion `{}` failed at {}:{} in {}", text_at(w, lane, pointer(0)),
                   text_at(w, lane, pointer(1)), lanes<std::uint32_t>(w, s->list[2])[lane],
                   text_at(w, lane, pointer(3))));
}

const Step* allocate(Warp& w, const Step* s) {
  for (int i = 0; i < warp_lanes; ++i)
    if (w.exec >> i & 1)
      lanes<std::uint64_t>(w, s->d)[i] = w.worker->memory.allocate(lanes<std::uint64_t>(w, s->a)[i],
                                                                   AllocationKind::device, "device malloc");
  return s + 1;
}
const Step* release(Warp& w, const Step* s) {
  for (int i = 0; i < warp_lanes; ++i) {
    if (!(w.exec >> i & 1)) continue;
    const std::uint64_t address = lanes<std::uint64_t>(w, s->a)[i];
    if (address && !w.worker->memory.release(address, AllocationKind::device))
      stop(w, s, FaultKind::use_after_free, 1u << i, "free of what no malloc has given", address);
  }
  return s + 1;
}

}  // namespace

Handler find_system(const Instruction& in) {
  switch (in.op) {
    case Op::Vprintf:
      return vprintf_lanes;
    case Op::AssertFail:
      return assert_fail;
    case Op::DeviceMalloc:
      return allocate;
    case Op::DeviceFree:
      return release;
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
