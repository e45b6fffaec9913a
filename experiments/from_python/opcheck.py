"""torch.library.opcheck of every operator with a gradient of its own, gradcheck in float64, and what they refuse."""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import diffverb  # noqa: E402


def network(n=4, inputs=2, outputs=3, sections=2, batch=None, grad=True):
    torch.manual_seed(1)
    lead = () if batch is None else (batch,)
    a = 0.8 * diffverb.orthogonal_exp(torch.randn(*lead, n, n, dtype=torch.float64))
    sos = torch.tensor([1.0, -0.5, 0.1, -0.45, 0.12], dtype=torch.float64).repeat(*lead, n, sections, 1)
    tensors = [a, torch.randn(*lead, n, inputs, dtype=torch.float64), torch.randn(*lead, outputs, n, dtype=torch.float64),
               torch.randn(*lead, outputs, inputs, dtype=torch.float64),
               torch.randint(3, 20, (*lead, n)).to(torch.float64), sos]
    return [t.detach().requires_grad_(grad) for t in tensors]


def refuses(what, call):
    try:
        call()
    except (RuntimeError, ValueError) as error:
        line = str(error).splitlines()[0]
        print(f"refused: {what}: {line}")
        return
    raise SystemExit(f"not refused: {what}")


def main():
    ops = torch.ops.diffverb
    omega = torch.linspace(0.05, 3.0, 11, dtype=torch.float64)
    for batch in (None, 2):
        one = network(batch=batch)
        torch.library.opcheck(ops.frequency_response.default, (*one, omega, 1.01))
        assert torch.autograd.gradcheck(lambda *t: diffverb.frequency_response(*t, omega, 1.01), one, atol=1e-5)
        plain = network(batch=batch, grad=False)
        torch.library.opcheck(ops.frequency_response.default, (*plain, omega, 1.0))
    for batch in (2, None):
        one = network(batch=batch)
        one[4].requires_grad_(False)
        x = torch.randn(*([] if batch is None else [batch]), 2, 60, dtype=torch.float64, requires_grad=True)
        torch.library.opcheck(ops.time_response.default, (*one, x))
        assert torch.autograd.gradcheck(lambda *t: diffverb.time_response(*t), (*one, x), atol=1e-5)

    decay = torch.exp(-torch.arange(24000) / 3000.0)
    target, estimate = decay * torch.randn(1, 1, 24000), (decay * torch.randn(1, 1, 24000)).requires_grad_()
    for name in ("edc", "mr_stft", "esr"):
        torch.library.opcheck(ops.loss.default, (estimate, target, 48000.0, name, ""))
        assert diffverb.loss(estimate, target, 48000, name).isfinite()
    assert abs(diffverb.loss(target, target, 48000, "mse")) == 0

    s = torch.randn(5, 5, dtype=torch.float64, requires_grad=True)
    for matrix in (diffverb.orthogonal_exp, diffverb.cayley):
        a = matrix(s)
        assert torch.allclose(a @ a.T, torch.eye(5, dtype=torch.float64))
        assert torch.autograd.gradcheck(matrix, s)
    assert torch.autograd.gradcheck(diffverb.householder, s[0])

    compiled = torch.compile(lambda *t: diffverb.frequency_response(*t, omega, 1.01).abs().square().sum(), backend="aot_eager")
    one = network()
    eager = torch.autograd.grad(diffverb.frequency_response(*one, omega, 1.01).abs().square().sum(), one)
    assert all(torch.allclose(p, q) for p, q in zip(eager, torch.autograd.grad(compiled(*one), one)))

    a, b, c, d, m, sos = network(grad=False)
    call = diffverb.frequency_response
    refuses("no lines", lambda: call(a[:0, :0], b[:0], c[:, :0], d, m[:0], sos[:0], omega))
    refuses("shapes that differ", lambda: call(a, b[:3], c, d, m, sos, omega))
    refuses("half tensors", lambda: call(a.half(), b.half(), c.half(), d.half(), m, sos, omega))
    refuses("a negative delay", lambda: call(a, b, c, d, -m, sos, omega))
    refuses("a delay that is not a number", lambda: call(a, b, c, d, m * float("nan"), sos, omega))
    refuses("a loop that grows", lambda: call(2 * a, b, c, d, m, sos[:, :0], omega))
    refuses("a filter that grows", lambda: call(a, b, c, d, m, sos * 20, omega))
    refuses("a grid in float32", lambda: call(a, b, c, d, m, sos, omega.float()))
    refuses("a fractional delay in time", lambda: diffverb.time_response(a, b, c, d, m + 0.5, sos, x))
    refuses("an unknown loss", lambda: diffverb.loss(estimate, target, 48000, "edcc"))
    refuses("an unknown key", lambda: diffverb.loss(estimate, target, 48000, "edc", "rang_db: 3"))
    refuses("a batch of no networks", lambda: call(*(t[None][:0] for t in (a, b, c, d, m, sos)), omega))
    refuses("a batch in time of no networks", lambda: diffverb.time_response(*(t[None][:0] for t in (a, b, c, d, m, sos, x))))
    refuses("a delay longer than the grid", lambda: diffverb.impulse_response(a, b, c, d, m, sos, 8))
    plain = diffverb.impulse_response(a, b, c, d, m, sos, 512)
    assert torch.allclose(plain, diffverb.impulse_response(a, b, c, d, m, sos, 512, 60.0), atol=1e-3)
    u = torch.zeros(2, 512, dtype=torch.float64)
    u[1, 0] = 1
    assert torch.allclose(plain[:, 1], diffverb.time_response(a, b, c, d, m, sos, u), atol=1e-3)
    turned = a.T.contiguous().T
    assert torch.equal(call(turned, b, c, d, m, sos, omega), call(a, b, c, d, m, sos, omega))
    print("all operators pass")


if __name__ == "__main__":
    main()
