"""A model whose layers are spread over processes as pipeline stages, by torch.distributed.pipelining's schedules."""
