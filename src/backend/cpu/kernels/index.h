#pragma once
#include <cstdint>

namespace agon::cpu {

/// table [rows, d], index [n] -> y [n, d]. Throws Error(data) on an index outside of 0 .. rows-1.
void gather(const float* table, int64_t rows, int64_t d, const int32_t* index, int64_t n, float* y);
/// y [rows, d] = 0, then y[index[i]] += values[i] for i = 0 .. n-1 in this order.
/// Throws Error(data) on an index outside of 0 .. rows-1.
void scatter_add(const int32_t* index, const float* values, int64_t n, int64_t d, int64_t rows, float* y);
/// index [n] -> y [n, depth]. Throws Error(data) on an index outside of 0 .. depth-1.
void one_hot(const int32_t* index, int64_t n, int64_t depth, float* y);

/// Over the last axis of x [rows, n]; y may be x.
void softmax(const float* x, int64_t rows, int64_t n, float* y);
void log_softmax(const float* x, int64_t rows, int64_t n, float* y);

}  // namespace agon::cpu
