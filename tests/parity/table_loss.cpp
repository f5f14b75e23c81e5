#include "parity/table.h"

namespace agon::parity {

std::vector<ParityCase> loss_table() {
  std::vector<ParityCase> cases;
  // One element, remainders of every vector width, more than a thread's share and than a block's.
  for (const std::string shape : {"-", "1", "7", "3x5x2", "64x1", "4x5x5x17", "3x4099"}) {
    for (const std::string loss : {"bce_with_logits t:1", "bce_with_logits t:0", "bce_with_logits t:0.9",
                                   "bce_with_logits t:1 smooth:0.1", "least_squares t:1", "hinge t:1",
                                   "hinge t:-1", "wasserstein t:1", "wasserstein t:-1", "l1 t:0.5"})
      cases.push_back({"loss k:" + loss + " s:" + shape});
    for (const std::string loss :
         {"bce_with_logits", "bce_with_logits smooth:0.2", "least_squares", "hinge", "wasserstein", "l1"})
      cases.push_back({"loss k:" + loss + " tensor1 s:" + shape});
  }
  for (const std::string shape : {"1x1", "1x10", "5x10", "3x33", "37x1000"})
    for (const std::string smooth : {"", " smooth:0.1"})
      cases.push_back({"loss k:softmax_cross_entropy s:" + shape + smooth});
  for (const std::string only : {" only:value", " only:grad"})
    for (const std::string loss :
         {"bce_with_logits t:1 s:33", "l1 tensor1 s:4x4x3", "hinge t:-1 s:5", "softmax_cross_entropy s:4x10"})
      cases.push_back({"loss k:" + loss + only});

  for (const std::string kind : {"unit_norm", "zero_norm"}) {
    for (const std::string shape : {"1x1", "1x7", "5", "3x4x3x2", "2x8x8x3", "64x5", "4x28x28x1", "2x30000"})
      cases.push_back({"gradient_penalty k:" + kind + " s:" + shape});
    cases.push_back({"gradient_penalty k:" + kind + " s:3x4x2 zero1"});
    cases.push_back({"gradient_penalty k:" + kind + " s:2x16 zero1"});
    for (const std::string only : {" only:value", " only:grad", " only:norms"})
      cases.push_back({"gradient_penalty k:" + kind + " s:3x4x4x3" + only});
  }
  for (const std::string shape : {"4x3", "5x17"}) cases.push_back({"mean_losses s:" + shape});
  return cases;
}

}  // namespace agon::parity
