// What the simulated device offers beside the CUDA runtime's API: plain C functions that libcudart.so.13 of
// the simulator exports. A program finds them with dlsym; where they are missing, the device is a real one.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Version of this header; the others may be called when it is the one compiled against.
#define AGON_SIMT_VERSION 2
int agon_simt_version(void);

// Sets an option, as the environment variable AGON_SIMT_<NAME> does at the start of the program:
// - arch: sm_80, sm_86, sm_89, sm_90 or sm_100, whose limits and rates hold (only while nothing is allocated)
// - memory: bytes of device memory, with K, M or G: "16G"
// - seed: order of streams, blocks and warps, errors of approximate instructions
// - threads: host threads that run blocks; 0: one per processor
// - checks: 1: races, unwritten memory and so on are looked for; 0: faults alone (only while nothing is
// allocated)
// - count: 1: counters are kept
// - launches: 1: counters of every launch, not only of every kernel
// - reports: file that each report is appended to as it is found, a line each; "-": stderr
// - counters: file that the counters are written to as JSON when the program ends
// Returns 0, or -1: agon_simt_last_message tells why.
int agon_simt_set(const char* name, const char* value);

// Reports of the checkers since the last call, oldest first, as a JSON array; each has "kind", "message",
// "kernel", "block", "thread", "file", "line", "address", "count". Unlike the error of cudaGetLastError it
// says what and where. The text is valid until this thread's next call. Work that waits in streams has not
// been looked at: synchronise first.
const char* agon_simt_take_reports(void);

// One line on this thread's last failed call: which, and why.
const char* agon_simt_last_message(void);

// Counters as a JSON object: "arch", "kernels" (an array, one object a kernel, summed over its launches),
// "launched" (every kernel since the program began, with the most dynamic shared memory of a launch) and,
// where asked for, "launches". The text is valid until this thread's next call.
const char* agon_simt_counters(void);
void agon_simt_clear_counters(void);

// The program's kernels that no launch has executed since it began, as a JSON array of names. The text is
// valid until this thread's next call.
const char* agon_simt_never_launched(void);

#ifdef __cplusplus
}
#endif
