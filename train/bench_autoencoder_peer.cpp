#include "train/bench_autoencoder_peer.h"

namespace diffverb {

const char* autoencoder_peer_script() {
  return R"python(
import json, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

path, modes, threads = sys.argv[1], sys.argv[2].split('+'), int(sys.argv[3])
torch.set_num_threads(threads)
cuda = 'cuda' in modes
if cuda:
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = 'bf16' in modes


def load(path):
    data = open(path, 'rb').read()
    size = int.from_bytes(data[:8], 'little')
    out = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != '__metadata__' and entry['dtype'] == 'F32':
            begin, end = (8 + size + k for k in entry['data_offsets'])
            out[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(entry['shape'])
    return out


class Same(nn.Module):
    def __init__(self, i, o, kernel, stride):
        super().__init__()
        self.conv, self.kernel, self.stride = nn.Conv2d(i, o, kernel, stride), kernel, stride

    def forward(self, x):
        pad = []
        for axis in (1, 0):
            n, k, s = x.shape[2 + axis], self.kernel[axis], self.stride[axis]
            total = max((-(-n // s) - 1) * s + k - n, 0)
            pad += [total // 2, total - total // 2]
        return self.conv(F.pad(x, pad) if any(pad) else x)


class Transposed(nn.Module):
    def __init__(self, i, o, kernel, stride):
        super().__init__()
        self.conv = nn.ConvTranspose2d(i, o, kernel, stride)
        self.columns = stride[1]
        self.crop = kernel[1] > stride[1]

    def forward(self, x):
        y = self.conv(x)
        return y[..., :x.shape[3] * self.columns] if self.crop else y


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


tensors = load(path)
encoder = [((5, 5), (2, 2))] + [((4, 4), (2, 2))] * 7 + [((4, 4), (2, 1)), ((1, 1), (2, 1)), ((1, 1), (1, 1))]
decoder = [((1, 1), (1, 1))] + [((2, 2), (2, 2))] * 7 + [((2, 2), (2, 1)), ((3, 1), (2, 1)), ((1, 1), (1, 1))]
layers = []
for part, shapes in (('encoder', encoder), ('decoder', decoder)):
    for n, (kernel, stride) in enumerate(shapes, 1):
        name = f'parameter.{part}.{n}.'
        weight = tensors[name + 'kernel'].permute(3, 2, 0, 1)
        first, second = weight.shape[:2]
        layer = Same(second, first, kernel, stride) if part == 'encoder' else Transposed(first, second, kernel, stride)
        with torch.no_grad():
            layer.conv.weight.copy_(weight)
            layer.conv.bias.copy_(tensors[name + 'bias'])
        layers.append(layer)
        if n < 11:
            layers.append(nn.LeakyReLU(0.1))
        if name + 'gamma' in tensors:
            layers.append(norm(len(tensors[name + 'gamma'])))
            with torch.no_grad():
                layers[-1].weight.copy_(tensors[name + 'gamma'])
                layers[-1].bias.copy_(tensors[name + 'beta'])
model, x = nn.Sequential(*layers), tensors['input']
if cuda:
    model, x = model.cuda(), x.cuda()
if 'channels_last' in modes or 'compile' in modes:
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=cuda or None)
run = torch.compile(model, mode='reduce-overhead' if cuda else None) if 'compile' in modes else model


def step():
    optimiser.zero_grad()
    with torch.autocast('cuda', torch.bfloat16, enabled='bf16' in modes):
        y = run(x)
    loss = ((y.float() - x) ** 2).mean()
    loss.backward()
    optimiser.step()
    return loss.detach()


print(torch.__version__, flush=True)
for line in sys.stdin:
    answer = {'ms': [], 'loss': []}
    if cuda:  # one wait at the end: launches run ahead of the GPU
        torch.cuda.synchronize()
        start, losses = time.perf_counter(), []
        for _ in range(int(line)):
            losses.append(step().clone())
        torch.cuda.synchronize()
        answer['ms'].append(1e3 * (time.perf_counter() - start) / int(line))
        answer['loss'] = [loss.item() for loss in losses]
    else:
        for _ in range(int(line)):
            start = time.perf_counter()
            answer['loss'].append(step().item())
            answer['ms'].append(1e3 * (time.perf_counter() - start))
    print(json.dumps(answer), flush=True)
)python";
}

}  // namespace diffverb
