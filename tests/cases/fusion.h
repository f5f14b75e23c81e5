#pragma once
#include "cases/norm.h"
#include "cases/window.h"

namespace agon::cases {

/// Several ops in a row that compile folds into one kernel, or into few.
inline Kinds fusion_kinds() {
  Kinds kinds;
  kinds["conv_bias_act"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = c.operand(s.x), w = c.operand(s.w);
    c.result(activation(conv(x, w, s.conv()) + c.operand({s.y[-1]}), activation_of(d)));
  };
  kinds["conv_transpose_bias_act"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value y = c.operand(s.y), w = c.operand(s.w);
    c.result(activation(conv_input_grad(y, w, s.conv(), s.x) + c.operand({s.x[-1]}), activation_of(d)));
  };
  kinds["conv_bn_act"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = c.operand(s.x), y = conv(x, c.operand(s.w), s.conv());
    c.result(activation(batch_norm_of(c, y).y, activation_of(d)));
  };
  // A device may apply the norm and the activation as the convolution reads: what it pads with is zero after
  // them, and the shift is not zero.
  kinds["bn_act_conv"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value h = activation(batch_norm_of(c, c.operand(s.x)).y, activation_of(d));
    c.result(conv(h, c.operand(s.w), s.conv()));
  };
  kinds["bn_act_conv_transpose"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value h = activation(batch_norm_of(c, c.operand(s.y)).y, activation_of(d));
    c.result(conv_input_grad(h, c.operand(s.w), s.conv(), s.x));
  };
  kinds["conv_norm_act"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = conv(c.operand(s.x), c.operand(s.w), s.conv());
    const SampleNormAttr attr = sample_norm_of(d);
    const Shape vector = affine_shape(x.shape(), attr);
    Value gamma = c.operand(vector, Domain::positive), beta = c.operand(vector);
    c.result(activation(c.graph.append(Op::sample_norm, {x, gamma, beta}, attr), activation_of(d)));
  };
  kinds["conv_transpose_bn_act"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value y = c.operand(s.y), x = conv_input_grad(y, c.operand(s.w), s.conv(), s.x);
    c.result(activation(batch_norm_of(c, x).y, activation_of(d)));
  };
  kinds["bn_act"] = [](Case& c, const Descriptor& d) {
    c.result(activation(batch_norm_of(c, c.operand(d.shape("s"))).y, activation_of(d)));
  };
  // The pre-activation has a second reader, so the activation must not swallow it.
  kinds["conv_bias_shared"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value x = c.operand(s.x), y = conv(x, c.operand(s.w), s.conv()) + c.operand({s.y[-1]});
    c.result(activation(y, activation_of(d)));
    c.result(y * y);
  };
  kinds["bn_act_shared"] = [](Case& c, const Descriptor& d) {
    BatchNormOut out = batch_norm_of(c, c.operand(d.shape("s")));
    c.result(activation(out.y, activation_of(d)));
    c.result(out.y * out.mean);
  };
  kinds["matmul_bias_act"] = [](Case& c, const Descriptor& d) {
    const int64_t m = d.integer("m", 2), n = d.integer("n", 3), k = d.integer("k", 4);
    Value x = c.operand({m, k}), y = matmul(x, c.operand({n, k}), false, true) + c.operand({n});
    c.result(activation(y, activation_of(d)));
  };
  // A chain with two results and a broadcast operand in the middle.
  kinds["chain"] = [](Case& c, const Descriptor& d) {
    Value a = c.operand(d.shape("a")), b = c.operand(d.shape("b"));
    Value t = leaky_relu(a * 0.5 + b, 0.2), u = exp(-t) * a;
    c.result(sqrt(square(u) + 1.0));
    c.result(softplus(u - b) / (square(t) + 1.0));
  };
  // Constants of every rank around one operand, as simplification folds them.
  kinds["constants"] = [](Case& c, const Descriptor& d) {
    Value a = c.operand(d.shape("a")), k = c.graph.constant(0.5, d.shape("k"));
    c.result((a * k) * 3.0);
    c.result((a * 3.0) * k + 0.0);
    c.result(a * 1.0 - c.graph.constant(0, d.shape("k")));
    c.result(c.graph.constant(1, d.shape("k")) * a / 1.0);
    c.result(-(-(a + k)));
  };
  // A chain whose head is read by a reduction as well.
  kinds["chain_reduce"] = [](Case& c, const Descriptor& d) {
    Value a = c.operand(d.shape("a")), t = tanh(a) * 2.0 - square(a);
    Value s = reduce_sum(t, {-1});
    c.result(t / (abs(s) + 1.0));
  };
  kinds["squared_norms"] = [](Case& c, const Descriptor& d) {
    c.result(sqrt(reduce_sum(square(c.operand(d.shape("s"))), d.axes("axes"))));
  };
  // Sums over pointwise terms, and the gradient of the same terms.
  kinds["bce_logits"] = [](Case& c, const Descriptor& d) {
    Value real = c.operand(d.shape("s")), fake = c.operand(d.shape("s"));
    c.result(mean(softplus(-real)) + mean(softplus(fake)));
  };
  // Interpolation by a random epsilon, the norm of a gradient, its penalty: with the harness's derivatives,
  // the third order of WGAN-GP's critic.
  kinds["critic_penalty"] = [](Case& c, const Descriptor& d) {
    const WindowCase s(d);
    Value real = c.operand(s.x), fake = c.operand(s.x), w = c.operand(s.w);
    Value epsilon = c.graph.random_uniform({s.x[0], 1, 1, 1}, 2);
    Value x = fake + epsilon * (real - fake);
    Value critic = sum(activation(conv(x, w, s.conv()), activation_of(d)));
    const std::vector<Value> wrt{x};
    c.result(norm_penalty(PenaltyKind::unit_norm, grad(critic, wrt)[0], 1));
  };
  // A generator's stage and a critic on top of it.
  kinds["generator_critic"] = [](Case& c, const Descriptor& d) {
    const int64_t n = d.integer("mb", 4), z = d.integer("z", 3), width = d.integer("w", 4);
    Value latent = c.operand({n, 1, 1, z});
    Value h = conv_transpose(latent, c.operand({z, 4, 4, width}), Window::square(4, 1, 0));
    h = relu(batch_norm_of(c, h, "g.bn").y);
    Value image =
        tanh(conv_transpose(h, c.operand({width, 4, 4, 3}), Window::square(4, 2, 1)) + c.operand({3}));
    c.result(image);
    Value k = leaky_relu(
        conv(image, c.operand({width, 4, 4, 3}), Window::square(4, 2, 1)) + c.operand({width}), 0.2);
    k = leaky_relu(batch_norm_of(c, k, "d.bn").y, 0.2);
    c.result(reshape(conv(k, c.operand({1, 4, 4, width}), Window::square(4, 1, 0)), {n}));
  };
  return kinds;
}

}  // namespace agon::cases
