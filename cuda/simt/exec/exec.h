// Who executes what: each function returns the handler of an instruction, or null if it is not its subject.
#pragma once

#include "cuda/simt/machine/warp.h"

namespace agon::simt {

Handler find_integer(const Instruction& in);   // arithmetic
Handler find_bits(const Instruction& in);      // logic, shifts, bit fields
Handler find_float(const Instruction& in);     // f32, f64, exactly rounded
Handler find_half(const Instruction& in);      // f16, bf16 and pairs
Handler find_special(const Instruction& in);   // approximations
Handler find_compare(const Instruction& in);   // setp, selp, predicates
Handler find_convert(const Instruction& in);   // mov, pack, cvt, cvta
Handler find_memory(const Instruction& in);    // ld, st
Handler find_atomic(const Instruction& in);    // atom, red
Handler find_async(const Instruction& in);     // cp.async
Handler find_mma(const Instruction& in);       // mma, ldmatrix
Handler find_exchange(const Instruction& in);  // shfl, vote, match, redux, bar.warp.sync
Handler find_control(const Instruction& in);   // branches, exits, barriers, system calls
Handler find_barrier(const Instruction& in);   // barriers of a block
Handler find_system(const Instruction& in);    // printf, assert, malloc, free

// The steps that are no instructions.
const Step* enter_block(Warp& w, const Step* s);  // joins lanes, counts, gives others their turn
const Step* guard_next(Warp& w, const Step* s);   // runs the next step for the lanes of its guard
const Step* leave_kernel(Warp& w, const Step* s);

}  // namespace agon::simt
