#pragma once
#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/conv.h"
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/gradient_penalty.h"
#include "cuda/kernels/indexing.h"
#include "cuda/kernels/loss.h"
#include "cuda/kernels/norm.h"
#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/pool.h"
#include "cuda/kernels/random.h"
#include "cuda/kernels/record.h"
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/resize.h"
#include "cuda/kernels/shape.h"
#include "cuda/kernels/softmax.h"
#include "cuda/kernels/spectral_norm.h"

/// The kernel families of the table: each launch function with its arguments, those that need scratch, and
/// those that choose among instances and hand out statistics.
#define AGON_CUDA_LAUNCHES(X)                   \
  X(batch_norm_stats, BatchNormStatsArgs)       \
  X(batch_norm_partials, BatchNormPartialsArgs) \
  X(batch_norm_apply, BatchNormApplyArgs)       \
  X(batch_norm_grad_reduce, BatchNormGradArgs)  \
  X(batch_norm_grad_apply, BatchNormGradArgs)   \
  X(conv, ConvArgs)                             \
  X(copy, CopyArgs)                             \
  X(elementwise, ElementwiseArgs)               \
  X(fill, FillArgs)                             \
  X(gather, GatherArgs)                         \
  X(gradient_penalty, GradientPenaltyArgs)      \
  X(loss, LossArgs)                             \
  X(matmul, MatmulArgs)                         \
  X(norm, NormArgs)                             \
  X(norm_grad, NormGradArgs)                    \
  X(one_hot, OneHotArgs)                        \
  X(optimizer, OptimizerArgs)                   \
  X(pad, PadArgs)                               \
  X(pool, PoolArgs)                             \
  X(random, RandomArgs)                         \
  X(record, RecordArgs)                         \
  X(reduce, ReduceArgs)                         \
  X(resize, ResizeArgs)                         \
  X(scatter_add, ScatterAddArgs)                \
  X(softmax, SoftmaxArgs)                       \
  X(spectral_norm, SpectralNormArgs)

#define AGON_CUDA_WORKSPACES(X)            \
  X(batch_norm_grad, BatchNormGradArgs)    \
  X(batch_norm_stats, BatchNormStatsArgs)  \
  X(conv, ConvArgs)                        \
  X(elementwise, ElementwiseArgs)          \
  X(gradient_penalty, GradientPenaltyArgs) \
  X(loss, LossArgs)                        \
  X(matmul, MatmulArgs)                    \
  X(norm, NormArgs)                        \
  X(norm_grad, NormGradArgs)               \
  X(optimizer, OptimizerArgs)              \
  X(reduce, ReduceArgs)                    \
  X(spectral_norm, SpectralNormArgs)

#define AGON_CUDA_CONTRACTIONS(X) \
  X(conv, ConvArgs)               \
  X(matmul, MatmulArgs)
