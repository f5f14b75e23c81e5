#include "cuda/simt/count/counters.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace agon::simt {

const char* name(InstructionKind kind) {
  static constexpr const char* names[] = {
      "integer",     "fp32",         "fp64",        "half",         "convert", "special",   "tensor",
      "global_load", "global_store", "shared_load", "shared_store", "local",   "parameter", "async_copy",
      "atomic",      "barrier",      "exchange",    "control",      "move"};
  static_assert(std::size(names) == instruction_kinds);
  return names[static_cast<std::size_t>(kind)];
}

std::uint64_t Counters::distinct_read() const {
  std::uint64_t total = 0;
  for (const Touched& one : touched) total += one.read;
  return total;
}
std::uint64_t Counters::distinct_written() const {
  std::uint64_t total = 0;
  for (const Touched& one : touched) total += one.written;
  return total;
}

Counters& Counters::operator+=(const Counters& other) {
  const auto add = [&](auto member) { this->*member += other.*member; };
  for (const auto member :
       {&Counters::launches, &Counters::blocks, &Counters::warps, &Counters::thread_instructions,
        &Counters::issue_slots, &Counters::fma_fp32, &Counters::flops_fp32, &Counters::fma_fp64,
        &Counters::fma_half, &Counters::mac_tensor, &Counters::global_atomics, &Counters::shared_requests,
        &Counters::shared_wavefronts, &Counters::shared_ideal, &Counters::barriers})
    add(member);
  for (std::size_t kind = 0; kind < instructions.size(); ++kind)
    instructions[kind] += other.instructions[kind];
  for (const auto traffic : {&Counters::global_load, &Counters::global_store}) {
    Traffic& mine = this->*traffic;
    const Traffic& theirs = other.*traffic;
    mine.requests += theirs.requests;
    mine.sectors += theirs.sectors;
    mine.bytes += theirs.bytes;
  }
  for (const Touched& one : other.touched) {
    const auto at =
        std::lower_bound(touched.begin(), touched.end(), one.address,
                         [](const Touched& t, std::uint64_t address) { return t.address < address; });
    if (at == touched.end() || at->address != one.address) {
      touched.insert(at, one);
    } else {
      at->size = std::max(at->size, one.size);
      at->read = std::max(at->read, one.read);
      at->written = std::max(at->written, one.written);
    }
  }
  return *this;
}

std::string to_json(const Counters& c) {
  using Json = nlohmann::ordered_json;
  Json by_kind = Json::object();
  for (int kind = 0; kind < instruction_kinds; ++kind)
    by_kind[name(static_cast<InstructionKind>(kind))] = c.instructions[static_cast<std::size_t>(kind)];
  const auto traffic = [](const Traffic& t) {
    return Json{
        {"requests", t.requests}, {"sectors", t.sectors}, {"bytes", t.bytes}, {"sector_use", t.sector_use()}};
  };
  Json touched = Json::array();
  for (const Touched& one : c.touched)
    touched.push_back(
        {{"address", one.address}, {"size", one.size}, {"read", one.read}, {"written", one.written}});
  return Json{{"launches", c.launches},
              {"blocks", c.blocks},
              {"warps", c.warps},
              {"instructions", by_kind},
              {"thread_instructions", c.thread_instructions},
              {"issue_slots", c.issue_slots},
              {"fma_fp32", c.fma_fp32},
              {"flops_fp32", c.flops_fp32},
              {"fma_fp64", c.fma_fp64},
              {"fma_half", c.fma_half},
              {"mac_tensor", c.mac_tensor},
              {"global_load", traffic(c.global_load)},
              {"global_store", traffic(c.global_store)},
              {"global_atomics", c.global_atomics},
              {"shared_requests", c.shared_requests},
              {"shared_wavefronts", c.shared_wavefronts},
              {"shared_ideal", c.shared_ideal},
              {"bank_conflicts", c.bank_conflicts()},
              {"barriers", c.barriers},
              {"touched", touched}}
      .dump();
}

}  // namespace agon::simt
