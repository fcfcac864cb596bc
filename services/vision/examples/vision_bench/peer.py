"""The network of the bench in PyTorch, bf16: seconds for a crop and for 730 positions, then tokens a second."""

import sys
import time

import torch
import torch.nn.functional as F

torch.set_grad_enabled(False)
torch.set_num_threads(int(sys.argv[1]))
BF16 = torch.bfloat16


def linear(inputs, outputs):
    weight = torch.empty(outputs, inputs, dtype=BF16).uniform_(-1, 1).mul_((3 / inputs) ** 0.5)
    return weight, torch.zeros(outputs, dtype=BF16)


def apply(layer, x):
    return F.linear(x, layer[0], layer[1])


def norm(x):
    return F.layer_norm(x, x.shape[-1:])


def heads(x, count):
    return x.view(x.shape[0], count, -1).transpose(0, 1).unsqueeze(0)


def rest(x):
    return x.squeeze(0).transpose(0, 1).reshape(x.shape[2], -1)


def best(times, work):
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


vision = [[linear(1152, 3456), linear(1152, 1152), linear(1152, 4304), linear(4304, 1152)] for _ in range(27)]
patch = linear(588, 1152)
projection = [linear(2304, 8192), linear(8192, 2048)]


def encode():
    x = apply(patch, torch.randn(729, 588).to(BF16))
    for qkv, proj, fc1, fc2 in vision:
        q, k, v = (heads(part, 16) for part in apply(qkv, norm(x)).chunk(3, -1))
        x = x + apply(proj, rest(F.scaled_dot_product_attention(q, k, v)))
        x = x + apply(fc2, F.gelu(apply(fc1, norm(x)), approximate="tanh"))
    x = norm(x)
    both = torch.cat([x, x], -1)
    return apply(projection[1], F.gelu(apply(projection[0], both), approximate="tanh"))


encode()
encoded = best(4, encode)
del vision

text = [[linear(2048, 6144), linear(2048, 2048), linear(2048, 8192), linear(8192, 2048)] for _ in range(24)]
head = linear(2048, 51200)
angles = torch.outer(torch.arange(2048.0), 10000.0 ** -(torch.arange(16.0) / 16))
cache = torch.zeros(24, 2, 1, 32, 2048, 64, dtype=BF16)


def rotate(x, start):
    length = x.shape[2]
    cos, sin = angles[start : start + length].cos().to(BF16), angles[start : start + length].sin().to(BF16)
    a, b, tail = x[..., :16], x[..., 16:32], x[..., 32:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos, tail], -1)


def forward(x, start):
    end = start + x.shape[0]
    for layer, (qkv, proj, fc1, fc2) in enumerate(text):
        normed = norm(x)
        q, k, v = (heads(part, 32) for part in apply(qkv, normed).chunk(3, -1))
        q, k = rotate(q, start), rotate(k, start)
        keys, values = cache[layer]
        keys[:, :, start:end], values[:, :, start:end] = k, v
        attended = F.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end])
        x = x + apply(proj, rest(attended)) + apply(fc2, F.gelu(apply(fc1, normed), approximate="tanh"))
    return apply(head, norm(x[-1:]))


prefilled = best(3, lambda: forward(torch.randn(730, 2048).to(BF16), 0))
one = torch.randn(1, 2048).to(BF16)
forward(one, 735)
decoded = best(5, lambda: [forward(one, 736 + step).argmax() for step in range(8)])
print(encoded, prefilled, 8 / decoded)
