#include "cuda/simt/machine/cost.h"

namespace agon::simt {

namespace {

// Whether `op` lies in the run of opcodes from `first` to `last`, in the order of opcodes.inc.
bool within(Op op, Op first, Op last) {
  return op >= first && op <= last;
}

bool is_64bit_integer(Op op) {
  switch (op) {
    case Op::Add64:
    case Op::Sub64:
    case Op::Mul64:
    case Op::Mad64:
    case Op::And64:
    case Op::Or64:
    case Op::Xor64:
    case Op::Not64:
    case Op::Shl64:
    case Op::ShrS64:
    case Op::ShrU64:
    case Op::MinS64:
    case Op::MinU64:
    case Op::MaxS64:
    case Op::MaxU64:
    case Op::SetpS64:
    case Op::SetpU64:
      return true;
    default:
      return false;
  }
}

std::uint32_t pair_factor(Type type) {
  return type == Type::f16x2 || type == Type::bf16x2 ? 2 : 1;
}

std::uint32_t macs_of(const Instruction& in) {
  switch (static_cast<MmaShape>(in.modifier)) {
    case MmaShape::m16n8k4:
      return 16 * 8 * 4;
    case MmaShape::m16n8k8:
      return 16 * 8 * 8;
    case MmaShape::m16n8k16:
      return 16 * 8 * 16;
    case MmaShape::m16n8k32:
      return 16 * 8 * 32;
    case MmaShape::m8n8k4:
      return 8 * 8 * 4;
  }
  return 0;
}

}  // namespace

bool accesses_memory(Op op) {
  return within(op, Op::LdGlobal, Op::Atom) || op == Op::CpAsync || op == Op::Ldmatrix;
}

InstructionKind kind_of(const Instruction& in) {
  using Kind = InstructionKind;
  const Op op = in.op;
  if (within(op, Op::Add16, Op::Szext)) return Kind::integer;
  switch (op) {
    case Op::DivF32:
    case Op::RcpF32:
    case Op::SqrtF32:
    case Op::RsqrtF32:
    case Op::Ex2F32:
    case Op::Lg2F32:
    case Op::SinF32:
    case Op::CosF32:
    case Op::TanhF32:
    case Op::Ex2Half:
    case Op::TanhHalf:
    case Op::DivF64:
    case Op::RcpF64:
    case Op::SqrtF64:
    case Op::RsqrtF64:
      return Kind::special;
    case Op::TestpF64:
    case Op::SetpF64:
      return Kind::fp64;
    case Op::Set:
      return Kind::integer;
    case Op::SetpF32:
      return Kind::fp32;
    case Op::SetpHalf:
      return Kind::half;
    case Op::Cvt:
    case Op::CvtPack:
    case Op::CvtPackInt:
      return Kind::convert;
    case Op::LdGlobal:
      return Kind::global_load;
    case Op::StGlobal:
      return Kind::global_store;
    case Op::LdShared:
    case Op::Ldmatrix:
      return Kind::shared_load;
    case Op::StShared:
      return Kind::shared_store;
    case Op::LdLocal:
    case Op::StLocal:
      return Kind::local;
    case Op::LdParam:
    case Op::LdConst:
      return Kind::parameter;
    case Op::LdGeneric:
    case Op::StGeneric:
      return Kind::count_;
    case Op::Atom:
      return Kind::atomic;
    case Op::CpAsync:
    case Op::CpAsyncCommit:
    case Op::CpAsyncWaitGroup:
    case Op::CpAsyncWaitAll:
      return Kind::async_copy;
    case Op::Mma:
      return Kind::tensor;
    case Op::Shfl:
    case Op::Vote:
    case Op::Match:
    case Op::Redux:
    case Op::Activemask:
      return Kind::exchange;
    case Op::BarWarpSync:
    case Op::BarSync:
    case Op::BarArrive:
    case Op::BarRed:
    case Op::Fence:
      return Kind::barrier;
    default:
      break;
  }
  if (within(op, Op::AddF32, Op::TestpF32)) return Kind::fp32;
  if (within(op, Op::AddF64, Op::CopysignF64)) return Kind::fp64;
  if (within(op, Op::AddHalf, Op::TanhHalf)) return Kind::half;
  if (within(op, Op::SetpS16, Op::SetpU64)) return Kind::integer;
  if (within(op, Op::Selp32, Op::Isspacep)) return Kind::move;
  return Kind::control;
}

Cost cost_of(const Instruction& in) {
  Cost cost;
  cost.slots = is_64bit_integer(in.op) ? 2 : 1;
  switch (in.op) {
    case Op::FmaF32:
      cost.fma_fp32 = 1;
      cost.flops_fp32 = 2;
      break;
    case Op::AddF32:
    case Op::SubF32:
    case Op::MulF32:
      cost.flops_fp32 = 1;
      break;
    case Op::FmaF64:
      cost.fma_fp64 = 1;
      break;
    case Op::FmaHalf:
      cost.fma_half = pair_factor(in.type);
      break;
    case Op::Mma:
      cost.mac_tensor = macs_of(in);
      break;
    case Op::BarSync:
    case Op::BarRed:
    case Op::BarArrive:
      cost.barriers = 1;
      break;
    // A compiler folds these into the instructions around them; shared accesses are counted by wavefront.
    case Op::Nop:
    case Op::CvtaToGeneric:
    case Op::CvtaFromGeneric:
    case Op::Pack:
    case Op::Unpack:
    case Op::LdParam:
    case Op::LdShared:
    case Op::StShared:
    case Op::Ldmatrix:
      cost.slots = 0;
      break;
    default:
      break;
  }
  return cost;
}

}  // namespace agon::simt
