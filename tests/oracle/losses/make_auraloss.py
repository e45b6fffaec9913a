"""Values and gradients of auraloss itself, in float64, on the signals of make_spectral_losses.py.

    pip install torch==2.11.0 auraloss==0.4.0 && python3 make_auraloss.py > auraloss.json
"""

import json
import sys
from importlib import metadata

import numpy as np
import torch
from auraloss.freq import MultiResolutionSTFTLoss, STFTLoss
from auraloss.time import ESRLoss

from make_spectral_losses import ESTIMATE, TARGET

torch.set_default_dtype(torch.float64)  # of its windows
target = torch.from_numpy(np.stack(TARGET))[None]
out = {"auraloss": metadata.version("auraloss"), "torch": torch.__version__.split("+")[0]}
for name, loss in (("esr", ESRLoss(eps=0)), ("stft", STFTLoss()), ("mr_stft", MultiResolutionSTFTLoss())):
    estimate = torch.from_numpy(np.stack(ESTIMATE))[None].requires_grad_()
    value = loss(estimate, target)
    value.backward()
    out[name] = {"value": value.item(), "gradient_norm": estimate.grad.norm().item(),
                 "gradient_along_target": (estimate.grad * target).sum().item()}
json.dump(out, sys.stdout, indent=2)
print()
