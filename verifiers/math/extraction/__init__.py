"""Which part of a completion is its answer: marks, boxes, sentences, phrases."""
