"""Fits the network of EmoTalk's `viseme` engine to synthesised speech, whose mouth shapes are known."""
