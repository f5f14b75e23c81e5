#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The program that the simulated device runs: PTX decoded once, so that the executor sees dense opcodes,
/// register slots and resolved addresses, never text.
namespace agon::simt {

enum class Op : uint16_t {
#define OP(name) name,
#include "cuda/simt/opcodes.inc"
#undef OP
  count_
};
std::string_view op_name(Op op);

enum class Type : uint8_t {
  none,
  pred,
  b8,
  b16,
  b32,
  b64,
  u8,
  u16,
  u32,
  u64,
  s8,
  s16,
  s32,
  s64,
  f16,
  f16x2,
  bf16,
  bf16x2,
  tf32,
  f32,
  f64
};

enum class Space : uint8_t { generic, global, shared, local, constant, param };
enum class Rounding : uint8_t { none, rn, rz, rm, rp, rna, rni, rzi, rmi, rpi };
/// The u-forms are true when an operand is NaN; num: neither is NaN, nan: one is.
enum class Compare : uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };
enum class BoolOp : uint8_t { none, and_, or_, xor_ };
enum class AtomicOp : uint16_t { add, min, max, inc, dec, and_, or_, xor_, exch, cas };
enum class ShflMode : uint16_t { up, down, bfly, idx };
enum class VoteMode : uint16_t { all, any, uni, ballot };
enum class BarRedOp : uint16_t { and_, or_, popc };
enum class PrmtMode : uint16_t { index, f4e, b4e, rc8, ecl, ecr, rc16 };
enum class FloatTest : uint16_t { finite, infinite, number, notanumber, normal, subnormal };
enum class Scope : uint8_t { cta, gpu, sys };
/// Volatile accesses are relaxed ones of system scope. `weak` is the ordinary kind.
enum class Order : uint8_t { weak, relaxed, acquire, release, acq_rel, sc };
enum class MmaShape : uint16_t { m16n8k4, m16n8k8, m16n8k16, m16n8k32, m8n8k4 };
enum class Special : uint16_t {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  laneid,
  warpid,
  nwarpid,
  smid,
  nsmid,
  gridid,
  clock,
  clock64,
  globaltimer,
  lanemask_eq,
  lanemask_le,
  lanemask_lt,
  lanemask_ge,
  lanemask_gt,
  dynamic_smem_size,
  total_smem_size
};

enum Flag : uint16_t {
  flag_ftz = 1,           ///< subnormal inputs and results are zero
  flag_saturate = 2,      ///< floats: clamp to [0, 1]; integers: clamp to the type's range
  flag_approx = 4,        ///< .approx
  flag_full = 8,          ///< div.full
  flag_relu = 16,         ///< clamp negative results (and NaN) to 0 (NaN stays NaN where PTX says so)
  flag_nan = 32,          ///< min/max: a NaN operand gives NaN
  flag_xorsign_abs = 64,  ///< min/max of magnitudes, sign is the xor of both
  flag_carry_in = 128,    ///< reads carry_predicate
  flag_carry_out = 256,   ///< writes carry_predicate
  flag_wide = 512,        ///< the data registers are 64-bit
  flag_address32 = 1024,  ///< the address register is 32-bit
  flag_aligned = 2048,    ///< all threads of the warp must run it together
  flag_trans = 4096,      ///< ldmatrix.trans
  flag_cg = 8192,         ///< cp.async.cg (past the L1 cache)
  flag_noftz = 16384,     ///< red/atom .noftz
  flag_nc = 32768,        ///< ld.global.nc: the kernel promises that nobody writes the data meanwhile
};

/// An operand is a slot of 32 lanes x 4 bytes (128 bytes): slot s >= 0 is line s of the warp's registers;
/// s < 0 is line ~s of Kernel::constants (an immediate or an address, broadcast). A 64-bit operand takes two
/// lines, the first even, and is an array of 32 uint64_t. A destination never shares lines with a source of
/// the same instruction unless it is the very same register of the same width.
inline constexpr int32_t no_operand = INT32_MIN;

/// Predicate operands: index << 1 | negated, of the warp's predicates, each a 32-bit mask of lanes.
/// Predicate 0 is true in every lane (0: true, 1: false). Destinations are plain indices.
inline constexpr uint32_t always_true = 0;
inline constexpr int32_t true_predicate = 0;
inline constexpr int32_t carry_predicate = 1;
inline constexpr int32_t first_free_predicate = 2;

/// Generic addresses of the shared, local and kernel parameter windows; every other generic address is a
/// global one.
inline constexpr uint64_t window_mask = 0xf000'0000'0000'0000;
inline constexpr uint64_t shared_window = 0x1000'0000'0000'0000;
inline constexpr uint64_t local_window = 0x2000'0000'0000'0000;
inline constexpr uint64_t param_window = 0x3000'0000'0000'0000;

struct Instruction {
  Op op = Op::Nop;
  Type type = Type::none;         ///< of the result, or of the data in memory
  Type source_type = Type::none;  ///< of the sources where it differs
  Space space = Space::generic;
  uint8_t width = 0;  ///< bytes an element
  uint8_t count = 0;  ///< elements of a vector access, or of `list`
  Rounding rounding = Rounding::none;
  Compare compare = Compare::eq;
  BoolOp bool_op = BoolOp::none;
  Order order = Order::weak;
  Scope scope = Scope::gpu;  ///< of Fence, Atom and accesses that are not weak
  uint16_t flags = 0;
  uint16_t modifier = 0;         ///< one of the enums above, as opcodes.inc says
  uint16_t guard = always_true;  ///< predicate operand: lanes in which the instruction acts
  int32_t d = no_operand, d2 = no_operand;
  int32_t a = no_operand, b = no_operand, c = no_operand;
  uint32_t list = 0;    ///< first entry in Kernel::operands
  uint32_t target = 0;  ///< Bra: instruction index
  uint32_t reconverge =
      0;                  ///< Bra, BrxIdx: immediate post-dominator; instructions.size() if only the exit is
  int32_t immediate = 0;  ///< an offset in bytes, or as opcodes.inc says
  int32_t immediate2 = 0;
  uint32_t line = 0;  ///< index into Kernel::lines; 0: unknown
};

/// Registers of an mma fragment in list order.
struct MmaCounts {
  uint8_t d, a, b, c;
};
MmaCounts mma_counts(const Instruction& mma);

struct SourceLine {
  std::string file;
  std::string function;  ///< name of the inlined function, empty in the kernel's own body
  uint32_t line = 0, column = 0;
  uint32_t inlined_at = 0;  ///< index of the line that called it; 0: none
};

struct KernelParam {
  std::string name;
  uint32_t offset = 0, size = 0, align = 1;
};

/// One line of constants, broadcast over the lanes; 64-bit values take two lines from an even index.
struct alignas(128) ConstantLine {
  std::array<uint32_t, 32> lanes;
};

struct Kernel {
  std::string name;  ///< mangled
  std::vector<Instruction> instructions;
  std::vector<int32_t> operands;  ///< vectors, fragments and branch tables
  std::vector<ConstantLine> constants;
  std::vector<SourceLine> lines;  ///< lines[0] is the unknown line
  std::vector<KernelParam> params;
  std::vector<uint32_t> leaders;  ///< first instruction of each basic block, ascending
  uint32_t param_bytes = 0;
  uint32_t slots = 0;         ///< lines of registers a warp needs
  uint32_t predicates = 0;    ///< including the reserved ones
  uint32_t shared_bytes = 0;  ///< static; dynamic shared memory starts here (16-byte aligned)
  uint32_t local_bytes = 0;   ///< per thread
  uint32_t registers = 0;     ///< 32-bit registers live at once at most: what a compiler would need at least
  uint32_t shared_align = 16;
  std::array<uint32_t, 3> max_threads{};       ///< .maxntid, zeros if not given
  std::array<uint32_t, 3> required_threads{};  ///< .reqntid, zeros if not given
  mutable std::shared_ptr<const void> code;    ///< what the machine made of it when first run (code.h)
};

/// "file:line" of an instruction, with the chain of inlined calls ("a.h:3 in f, from b.cu:7").
std::string describe_line(const Kernel& kernel, uint32_t line);

/// A __device__ or __constant__ variable.
struct Variable {
  std::string name;
  Space space = Space::global;
  uint64_t size = 0;
  uint32_t align = 1;
  bool external = false;         ///< declared here, defined nowhere: an error when used
  std::vector<uint8_t> initial;  ///< `size` bytes; addresses in it are right once the module is placed
  uint64_t address = 0;          ///< device address, set by Module::place
};

/// One PTX module. Kernels are decoded when first asked for, so that what no launch uses costs nothing and an
/// instruction that this device does not know is an error of the launch that needs it.
class Module {
 public:
  /// Parses a module's text; throws agon::Error naming the line of text that is wrong.
  explicit Module(std::string_view ptx);
  ~Module();
  Module(Module&&) noexcept;
  Module& operator=(Module&&) noexcept;

  /// Gives every variable its device address. Must come before kernel(); the caller then copies each
  /// variable's `initial` bytes there.
  void place(const std::function<uint64_t(const Variable&)>& allocate);
  std::span<const Variable> variables() const;
  const Variable* find_variable(std::string_view name) const;
  std::vector<std::string> kernel_names() const;
  /// The decoded kernel, the same object at each call; threads may ask at once. Throws agon::Error
  /// (unsupported, naming kernel, instruction and source line; or usage for an unknown name).
  const Kernel& kernel(std::string_view name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace agon::simt
