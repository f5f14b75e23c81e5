"""Makes tests/fixtures/metrics.safetensors: scores of small feature sets by numpy and scipy, in float64.

The features come from Philox, so the fixture holds the results only:

    python3 tools/goldens/make_metrics.py          needs numpy and scipy

Case "tall": a (40, 6), b (30, 6). Case "wide": a (5, 12), b (7, 12), fewer samples than features.
Case "logits": (23, 7), scaled by 4. See features() for how they are drawn.
"""

import pathlib

import numpy as np
import scipy.linalg
import scipy.special

from philox import signed
from safetensors_file import save

SEED = 2024


def features(stream, rows, columns):
    """Correlated, shifted and skewed: x, then x_j += x_{j-1}^2 (j >= 1), then + stream."""
    x = signed(SEED, 0, stream, (rows, columns))
    y = x.copy()
    y[:, 1:] += x[:, :-1] ** 2
    return y + stream


def frechet(a, b):
    """pytorch-fid's formula, with scipy's general matrix square root."""
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    if min(len(a), len(b)) <= a.shape[1]:
        # Singular: scipy's sqrtm is unreliable, so the trace comes from the eigenvalues, as in torch-fidelity.
        trace = np.sqrt(np.linalg.eigvals(s1 @ s2).astype(complex)).real.sum()
    else:
        trace = np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    difference = a.mean(0) - b.mean(0)
    return difference @ difference + np.trace(s1) + np.trace(s2) - 2 * trace


def inception_score(logits, splits):
    p = scipy.special.softmax(logits, axis=1)
    n = len(p)
    scores = []
    for i in range(splits):
        part = p[i * n // splits : (i + 1) * n // splits]
        kl = scipy.special.rel_entr(part, part.mean(0)).sum(1)
        scores.append(np.exp(kl.mean()))
    return np.array([np.mean(scores), np.std(scores)])


def kernel_distance(x, y):
    """The unbiased squared MMD of two sets of equal size, over all of both."""
    d, m = x.shape[1], len(x)
    k = lambda p, q: (p @ q.T / d + 1) ** 3
    off = lambda g: (g.sum() - np.trace(g)) / (m * (m - 1))
    return off(k(x, x)) + off(k(y, y)) - 2 * k(x, y).mean()


def main():
    tall, wide = (features(1, 40, 6), features(2, 30, 6)), (features(3, 5, 12), features(4, 7, 12))
    logits = 4 * signed(SEED, 0, 5, (23, 7))
    results = {
        "tall/mean": tall[0].mean(0),
        "tall/covariance": np.cov(tall[0], rowvar=False),
        "tall/frechet": np.float64(frechet(*tall)),
        "wide/frechet": np.float64(frechet(*wide)),
        "wide/covariance": np.cov(wide[0], rowvar=False),
        "logits/score_1": inception_score(logits, 1),
        "logits/score_10": inception_score(logits, 10),
        "tall/kernel": np.float64(kernel_distance(tall[0][:30], tall[1])),
    }
    path = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "metrics.safetensors"
    save(path, {name: np.asarray(value, "<f8") for name, value in results.items()}, {"numpy": np.__version__})
    for name, value in results.items():
        print(name, np.asarray(value).ravel()[:3])


if __name__ == "__main__":
    main()
