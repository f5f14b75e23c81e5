// Copies and fills: the work, and their part in the checks of global memory.
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "agon/error.h"

#include "cuda/simt/check/cells.h"
#include "cuda/simt/check/memory.h"
#include "cuda/simt/check/shadow.h"

namespace agon::simt {
namespace {

// A copy's passage over the shadow of one range.
class Passage {
 public:
  Passage(const Memory& memory, const char* what, ReportLog& log)
      : memory_(memory), shadow_(*memory.shadow()), what_(what), log_(log) {
    serials_ = shadow_.begin(memory.history(), 1, what);
  }

  void read(std::uint64_t address, std::uint64_t bytes) {
    over(address, bytes, [&](std::uint64_t word, std::uint32_t bits) {
      conflict(shadow_.write_serial[word], shadow_.write[word], bits, word, "reads", "wrote");
      const Serial earlier = shadow_.read_serial[word];
      if (earlier >= serials_.floor && earlier != 0 && !before(earlier)) shadow_.add_reader(word, earlier);
      shadow_.read[word] = cell(bits);
      shadow_.read_serial[word] = serials_.first;
    });
  }

  void write(std::uint64_t address, std::uint64_t bytes) {
    over(address, bytes, [&](std::uint64_t word, std::uint32_t bits) {
      conflict(shadow_.write_serial[word], shadow_.write[word], bits, word, "writes", "wrote");
      conflict(shadow_.read_serial[word], shadow_.read[word], bits, word, "writes", "read");
      if (shadow_.has_extra_readers()) {
        for (const Serial reader : shadow_.extra_readers(word))
          conflict(reader, cells::all_bytes, bits, word, "writes", "read");
      }
      shadow_.write[word] = cell(bits);
      shadow_.write_serial[word] = serials_.first;
    });
  }

 private:
  static cells::Cell cell(std::uint32_t bits) { return cells::pack(1, bits, cells::plain, 0); }

  template <class Act>
  void over(std::uint64_t address, std::uint64_t bytes, Act act) {
    const std::uint64_t begin = address - memory_.base(), end = begin + bytes;
    for (std::uint64_t word = begin / 4; word * 4 < end; ++word) {
      const std::uint64_t from = std::max(begin, word * 4) - word * 4,
                          to = std::min(end, word * 4 + 4) - word * 4;
      act(word, static_cast<std::uint32_t>((1u << to) - (1u << from)));
    }
  }

  // Words in a row mostly name the same operation or blocks of it.
  bool before(Serial serial) {
    if (serial == last_) return last_before_;
    last_ = serial;
    return last_before_ = memory_.history().before_current(shadow_.owner(serial).operation);
  }

  void conflict(Serial serial, cells::Cell earlier, std::uint32_t bits, std::uint64_t word, const char* verb,
                const char* did) {
    if (serial < serials_.floor || serial == 0 || (cells::bytes(earlier) & bits) == 0 || before(serial))
      return;
    if (std::exchange(reported_, true)) return;
    Report report;
    report.kind = FaultKind::race_operations;
    report.kernel = what_;
    report.address = memory_.base() + word * 4;
    report.allocation = memory_.describe(report.address);
    const GlobalShadow::Owner owner = shadow_.owner(serial);
    report.message = fmt::format(
        "{}: {} {} global memory that {} (operation {}) {}, with no stream order, event or wait between, "
        "address "
        "{:#x}: {}",
        name(report.kind), what_, verb, readable_name(shadow_.label(serial)), owner.operation, did,
        report.address, report.allocation);
    log_.add(std::move(report), 0);
  }

  const Memory& memory_;
  GlobalShadow& shadow_;
  const char* what_;
  ReportLog& log_;
  GlobalShadow::Serials serials_;
  Serial last_ = 0;
  bool last_before_ = true;
  bool reported_ = false;
};

}  // namespace

bool Memory::check_range(std::uint64_t address, std::uint64_t bytes, const char* what, ReportLog& log) const {
  if (bytes == 0) return false;
  if (valid(address, bytes)) return true;
  Report report;
  report.kind = freed(address) ? FaultKind::use_after_free : FaultKind::out_of_bounds;
  report.kernel = what;
  report.address = address;
  report.allocation = describe(address);
  report.message = fmt::format(
      "{}: {} of {} bytes at {:#x}, {}{}{}", name(report.kind), what, bytes, address,
      report.kind == FaultKind::use_after_free ? "which has been freed" : "which no allocation holds",
      report.allocation.empty() ? "" : ": ", report.allocation);
  log.add(std::move(report), 0);
  return false;
}

void Memory::write_from_host(std::uint64_t to, const void* from, std::uint64_t bytes, ReportLog& log) {
  const char* what = "copy to the device";
  if (!check_range(to, bytes, what, log)) return;
  std::memmove(alias(to), from, bytes);
  if (!shadow_ || !in_range(to)) return;
  Passage(*this, what, log).write(to, bytes);
  shadow_->set_written(to - base_, bytes, true);
}

void Memory::read_to_host(void* to, std::uint64_t from, std::uint64_t bytes, ReportLog& log) {
  const char* what = "copy to the host";
  if (!check_range(from, bytes, what, log)) return;
  std::memmove(to, alias(from), bytes);
  if (shadow_ && in_range(from)) Passage(*this, what, log).read(from, bytes);
}

void Memory::copy(std::uint64_t to, std::uint64_t from, std::uint64_t bytes, ReportLog& log) {
  const char* what = "copy on the device";
  if (!check_range(from, bytes, what, log) || !check_range(to, bytes, what, log)) return;
  std::memmove(alias(to), alias(from), bytes);
  if (!shadow_) return;
  Passage passage(*this, what, log);
  if (in_range(from)) passage.read(from, bytes);
  if (!in_range(to)) return;
  passage.write(to, bytes);
  if (in_range(from))
    shadow_->copy_written(to - base_, from - base_, bytes);
  else
    shadow_->set_written(to - base_, bytes, true);
}

void Memory::fill(std::uint64_t to, std::uint32_t value, int width, std::uint64_t count, ReportLog& log) {
  const char* what = "fill";
  const std::uint64_t bytes = count * static_cast<std::uint64_t>(width);
  if (!check_range(to, bytes, what, log)) return;
  std::byte* const data = alias(to);
  if (width == 1) {
    std::memset(data, static_cast<int>(value & 0xff), count);
  } else {
    for (std::uint64_t i = 0; i < count; ++i)
      std::memcpy(data + i * static_cast<std::uint64_t>(width), &value, static_cast<std::size_t>(width));
  }
  if (!shadow_ || !in_range(to)) return;
  Passage(*this, what, log).write(to, bytes);
  shadow_->set_written(to - base_, bytes, true);
}

}  // namespace agon::simt
