#pragma once
#include "agon/evaluate.h"

namespace agon {

/// What evaluation needs to know of a data set, as one extractor sees it.
struct ReferenceStatistics {
  Gaussian gaussian;
  MeanStd inception_score;
  Tensor features;  ///< f64 [n, d], or [0, d] where no kernel distance is wanted
};

/// Computes them, or reads them from options.cache, where an earlier call left them: a safetensors file with
/// `mu` and `sigma` as in the field's .npz. A damaged file is computed anew.
ReferenceStatistics reference_statistics(FeatureExtractor& extractor, const Dataset& dataset,
                                         const EvaluateOptions& options);

}  // namespace agon
