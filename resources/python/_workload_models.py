"""A transformer of the GPT-2 class (Radford et al., 2019: pre-norm, learned positions, GELU, tied embedding), written out:
one training step, and generation with and without a cache of keys and values.
"""
SEED = 20
# Positions whose logits `error` compares.
TRUTH_LENGTH = 64


def make_model(torch, shape, dtype, device):
    layers, width, heads, vocabulary, positions = shape
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            nn.Module.__init__(self)
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x, cache, start):
            batch, length, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            if cache is not None:
                cache[0][:, :, start:start + length] = k
                cache[1][:, :, start:start + length] = v
                k, v = cache[0][:, :, :start + length], cache[1][:, :, :start + length]
            # A single new token sees all that is there.
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
            x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
            return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class Gpt(nn.Module):
        def __init__(self):
            nn.Module.__init__(self)
            self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
            self.blocks, self.norm = nn.ModuleList([Block() for _ in range(layers)]), nn.LayerNorm(width)

        def forward(self, ids, cache=None, start=0, last=False):
            at = torch.arange(start, start + ids.shape[1], device=ids.device)
            x = self.tokens(ids) + self.positions(at)
            for i, block in enumerate(self.blocks):
                x = block(x, None if cache is None else cache[i], start)
            if last:
                x = x[:, -1:]
            return functional.linear(self.norm(x), self.tokens.weight)

    with torch.device(device):
        torch.manual_seed(SEED)
        model = Gpt()
        for parameter in model.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
    return model.to(dtype=dtype)


def use_fp8(torch, model):
    """Linear layers by _scaled_mm with a scale per tensor, forward only; gradients go through the exact weights."""
    largest = 448.0  # of e4m3

    def cast(x):
        scale = largest / x.abs().max().float().clamp_min(1e-12)
        return (x.float() * scale).clamp(-largest, largest).to(torch.float8_e4m3fn), 1.0 / scale

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            x8, x_scale = cast(x)
            w8, w_scale = cast(weight)
            got = torch._scaled_mm(x8, w8.t(), scale_a=x_scale, scale_b=w_scale, out_dtype=torch.bfloat16)
            return (got[0] if isinstance(got, tuple) else got).to(x.dtype)

        @staticmethod
        def backward(ctx, slope):
            x, weight = ctx.saved_tensors
            return slope @ weight.to(slope.dtype), (slope.t() @ x.to(slope.dtype)).to(weight.dtype)

    def forward_of(layer):
        def forward(x):
            got = Product.apply(x.reshape(-1, x.shape[-1]), layer.weight)
            return got.view(x.shape[:-1] + (layer.weight.shape[0],)) + layer.bias.to(got.dtype)
        return forward

    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.forward = forward_of(layer)


class Model(object):
    unit = "token"
    traffic = None

    def __init__(self, torch, place, plan, p):
        self.torch, self.place, self.plan, self.p = torch, place, plan, p
        if p["width"] % p["heads"] != 0:
            raise ValueError("width must be a multiple of heads")
        self.parameters = p["vocabulary"] * p["width"] + 12 * p["layers"] * p["width"] ** 2
        self.dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[p["dtype"]]

    def shape(self):
        p = self.p
        return p["layers"], p["width"], p["heads"], p["vocabulary"], self.positions

    def make_plain(self):
        self.plain = make_model(self.torch, self.shape(), self.dtype, self.place.name)
        if self.plan.fp8:
            use_fp8(self.torch, self.plain)
        self.model = self.plain if self.plan.compile is None else self.torch.compile(self.plain, mode=self.plan.compile)
        self.facts = {"parameters": sum(one.numel() for one in self.plain.parameters()), "fp8": "forward only" if self.plan.fp8 else None}

    def ids(self, *shape):
        generator = self.torch.Generator().manual_seed(SEED)
        return self.torch.randint(0, self.p["vocabulary"], shape, generator=generator).to(self.place.name)

    def error(self, relative):
        """Of the logits of a short text, against the same weights in FP64."""
        torch = self.torch
        ids = self.ids(1, min(TRUTH_LENGTH, self.positions))
        exact = make_model(torch, self.shape(), torch.float64, "cpu")
        exact.load_state_dict({name: value.detach().cpu().double() for name, value in self.plain.state_dict().items()})
        with torch.no_grad():
            with self.plan.casting(torch, self.place):
                got = self.plain(ids)
            return relative(torch, got, exact(ids.cpu()))


class TrainingStep(Model):
    def __init__(self, torch, place, plan, p):
        Model.__init__(self, torch, place, plan, p)
        self.positions = p["length"]
        self.work = float(p["batch"] * p["length"])
        # Weights, gradients and two moments in FP32; logits and their gradient; about 34 values a token, layer and width.
        self.need_bytes = 16 * self.parameters + 4 * self.work * (2 * p["vocabulary"] + 34 * p["layers"] * p["width"])

    def make(self):
        torch = self.torch
        if self.plan.graphs and self.plan.autocast is torch.float16:
            raise ValueError("the scaling that fp16 needs cannot stand in a CUDA graph")
        self.make_plain()
        data = self.ids(self.p["batch"], self.p["length"] + 1)
        self.inputs, self.targets = data[:, :-1].contiguous(), data[:, 1:].reshape(-1)
        options = dict(self.plan.optimizer)
        if self.plan.graphs:
            options["capturable"] = True
        self.optimizer = torch.optim.AdamW(self.plain.parameters(), lr=1e-4, **options)
        # fp16 has gradients that round to zero without it.
        self.scaler = None
        if self.plan.autocast is torch.float16 and self.place.gpu:
            amp = getattr(torch, "amp", None)
            self.scaler = amp.GradScaler("cuda", init_scale=1024.0) if hasattr(amp, "GradScaler") else torch.cuda.amp.GradScaler(init_scale=1024.0)

    def run(self):
        torch = self.torch
        self.optimizer.zero_grad(set_to_none=True)
        with self.plan.casting(torch, self.place):
            logits = self.model(self.inputs)
            loss = torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), self.targets)
        if self.scaler is None:
            loss.backward()
            self.optimizer.step()
        else:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()


class Generate(Model):
    """Greedy, or the likeliest of several beams. Nothing is read back in between."""

    def __init__(self, torch, place, plan, p):
        Model.__init__(self, torch, place, plan, p)
        self.beams = p["beams"] if plan.beams is None else plan.beams
        self.cached = p["cache"] == 1 if plan.cache is None else plan.cache
        self.positions = p["prompt"] + p["tokens"]
        self.work = float(p["batch"] * p["tokens"])
        rows = p["batch"] * self.beams
        self.need_bytes = 8 * self.parameters + 8 * rows * p["layers"] * p["width"] * self.positions + 4 * rows * (p["vocabulary"] * 4 + 20 * p["width"] * self.positions)

    def make(self):
        torch, p = self.torch, self.p
        self.make_plain()
        self.plain.eval()
        self.prompt = self.ids(p["batch"], p["prompt"])
        self.facts.update({"cache": self.cached, "beams": self.beams})
        self.cache = None
        if self.cached:
            keys = self.plan.autocast or self.dtype
            shape = (p["batch"] * self.beams, p["heads"], self.positions, p["width"] // p["heads"])
            self.cache = [[torch.zeros(shape, dtype=keys, device=self.place.name) for _ in range(2)] for _ in range(p["layers"])]

    def next_logits(self, ids, length):
        """Of the token after `ids`; with a cache only what is new is computed."""
        if not self.cached:
            return self.model(ids, last=True)[:, -1].float()
        new = ids if length == self.p["prompt"] else ids[:, -1:]
        return self.model(new, self.cache, ids.shape[1] - new.shape[1], True)[:, -1].float()

    def answer(self):
        torch, p, beams = self.torch, self.p, self.beams
        batch = p["batch"]
        with torch.no_grad(), self.plan.casting(torch, self.place):
            ids = self.prompt.repeat_interleave(beams, 0)
            scores = None
            for length in range(p["prompt"], p["prompt"] + p["tokens"]):
                logits = self.next_logits(ids, length)
                if beams == 1:
                    ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
                    continue
                said = torch.log_softmax(logits, -1).view(batch, beams, -1)
                if scores is None:
                    # All beams are the same text still.
                    scores, token = said[:, 0].topk(min(beams, said.shape[-1]))
                    origin = torch.zeros_like(token)
                else:
                    scores, flat = (scores[:, :, None] + said).view(batch, -1).topk(beams)
                    origin, token = torch.div(flat, said.shape[-1], rounding_mode="floor"), flat % said.shape[-1]
                rows = (origin + beams * torch.arange(batch, device=ids.device)[:, None]).view(-1)
                ids = torch.cat([ids[rows], token.view(-1, 1)], 1)
                if self.cached:
                    for pair in self.cache:
                        for one in pair:
                            one[:, :, :length] = one[rows, :, :length]
        return ids if beams == 1 else ids.view(batch, beams, -1)[:, 0]

    def run(self):
        self.answer()


MODELS = {"training_step": TrainingStep, "generate": Generate}
