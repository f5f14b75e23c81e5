// What a launch did, counted exactly: the same kernel on the same data gives the same numbers, whatever the
// seed, the order of blocks and the number of threads (unless the kernel itself waits in loops for other
// threads).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace agon::simt {

// The kinds that instructions are counted by.
enum class InstructionKind : std::uint8_t {
  integer,  // add, mad, shifts, logic, integer compares
  fp32,     // add, mul, fma, min, max, compares of f32
  fp64,
  half,         // f16, bf16 and their pairs
  convert,      // cvt
  special,      // ex2, lg2, sin, cos, tanh, rcp, rsqrt, sqrt, div
  tensor,       // mma
  global_load,  // ld.global, and generic loads that fall there
  global_store,
  shared_load,  // ld.shared, ldmatrix
  shared_store,
  local,       // ld.local, st.local: spilled or indexed arrays
  parameter,   // ld.param, ld.const: no traffic
  async_copy,  // cp.async, its commits and waits
  atomic,      // atom, red of any space
  barrier,     // bar.sync, bar.warp.sync, membar
  exchange,    // shfl, vote, match, redux
  control,     // bra, call, ret, exit
  move,        // mov, cvta, selp
  count_,
};
constexpr int instruction_kinds = static_cast<int>(InstructionKind::count_);
const char* name(InstructionKind kind);

// Traffic of one space in one direction.
struct Traffic {
  std::uint64_t requests = 0;  // instructions of a warp with at least one lane on
  std::uint64_t sectors =
      0;  // 32-byte sectors, each once per request (a 16-byte-a-lane request has at least 16)
  std::uint64_t bytes =
      0;  // bytes that lanes asked for (a byte that two lanes of a request read counts once)
  // Share of the sectors' bytes that was asked for: 1 where every sector is used whole.
  double sector_use() const {
    return sectors ? static_cast<double>(bytes) / (32.0 * static_cast<double>(sectors)) : 1;
  }
};

// The distinct bytes of one allocation that a launch touched.
struct Touched {
  std::uint64_t address = 0;  // where the allocation starts
  std::uint64_t size = 0;     // its size in bytes
  std::uint64_t read = 0;     // distinct bytes read
  std::uint64_t written = 0;  // distinct bytes written (atomics count as both)
};

struct Counters {
  std::uint64_t launches = 0;
  std::uint64_t blocks = 0;
  std::uint64_t warps = 0;
  std::array<std::uint64_t, instruction_kinds>
      instructions{};                     // by warps: one a warp, however many lanes are on
  std::uint64_t thread_instructions = 0;  // one per lane that is on
  std::uint64_t issue_slots =
      0;                       // instructions, 64-bit integer ones twice, shared accesses once per wavefront
  std::uint64_t fma_fp32 = 0;  // by lanes: fma.f32, 1 each; mul and add count in flops alone
  std::uint64_t flops_fp32 = 0;  // by lanes: fma 2; add, mul 1
  std::uint64_t fma_fp64 = 0;
  std::uint64_t fma_half = 0;    // fma on f16, bf16; pairs count 2
  std::uint64_t mac_tensor = 0;  // m*n*k of each mma
  Traffic global_load, global_store;
  std::uint64_t global_atomics = 0;     // requests
  std::uint64_t shared_requests = 0;    // loads and stores of a warp
  std::uint64_t shared_wavefronts = 0;  // passes over the 32 banks they took
  std::uint64_t shared_ideal = 0;       // passes without any conflict: bytes asked for / 128, rounded up
  std::uint64_t barriers = 0;           // bar.sync, by warps
  std::vector<Touched> touched;         // by address; of summed counters: the largest figures per allocation

  std::uint64_t bank_conflicts() const { return shared_wavefronts - shared_ideal; }
  std::uint64_t macs() const { return fma_fp32 + fma_fp64 + fma_half + mac_tensor; }
  std::uint64_t distinct_read() const;
  std::uint64_t distinct_written() const;
  Counters& operator+=(const Counters& other);
};

std::string to_json(const Counters& counters);

}  // namespace agon::simt
