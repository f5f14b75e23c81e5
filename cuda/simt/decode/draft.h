#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "cuda/simt/program.h"
#include "cuda/simt/ptx/body.h"

/// A kernel half decoded: instructions over virtual registers, before slots are given out.
namespace agon::simt::ptx {

enum class Field : uint8_t { guard, d, d2, a, b, c, list };

/// A virtual register at one place of an instruction.
struct Reference {
  Field field = Field::a;
  bool written = false;
  bool negated = false;     ///< predicate sources
  int32_t reg = -1;         ///< in Draft::registers
  uint32_t list_index = 0;  ///< in Draft::operands, for Field::list
};

/// Broadcast values, each kept once. An operand of the pool is ~line.
class ConstantPool {
 public:
  int32_t add32(uint32_t value);
  int32_t add64(uint64_t value);
  /// A value of its own line(s), to be set later.
  int32_t reserve(bool wide);
  void set(int32_t operand, bool wide, uint64_t value);
  std::vector<ConstantLine> take() { return std::move(lines_); }

 private:
  std::map<uint32_t, int32_t> narrow_;
  std::map<uint64_t, int32_t> wide_;
  std::vector<ConstantLine> lines_;
};

struct Draft {
  std::vector<Instruction> instructions;
  std::vector<Reference> references;
  std::vector<uint32_t> first_reference;  ///< of each instruction, and one past the last
  std::vector<int32_t> operands;
  std::vector<RegisterClass> registers;
  std::vector<SourceLine> lines{1};
  ConstantPool constants;

  int32_t new_register(RegisterClass kind) {
    registers.push_back(kind);
    return static_cast<int32_t>(registers.size()) - 1;
  }
  std::span<const Reference> references_of(size_t instruction) const {
    return std::span(references)
        .subspan(first_reference[instruction],
                 first_reference[instruction + 1] - first_reference[instruction]);
  }
};

}  // namespace agon::simt::ptx
