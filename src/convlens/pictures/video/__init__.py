"""Frames of video files, cameras and streams, upright, a few a second."""
