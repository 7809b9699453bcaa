"""Draws the photo of the preview: a panel with four meters, made of rectangles."""

from __future__ import annotations

import random
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QLinearGradient, QPainter, QPolygonF
from PySide6.QtQuick import QQuickImageProvider


def draw(path: Path, width: int = 960, height: int = 640) -> Path:
    """Writes the PNG and returns where; the same picture every time."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    wall = QLinearGradient(0, 0, width, height)
    wall.setColorAt(0, QColor("#6A6258"))
    wall.setColorAt(1, QColor("#3F3B36"))
    painter.fillRect(0, 0, width, height, wall)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#7C858B"))
    painter.drawPolygon(QPolygonF([QPointF(70, 50), QPointF(880, 20), QPointF(905, 610), QPointF(60, 590)]))
    painter.setBrush(QColor("#59626A"))
    painter.drawRect(QRectF(120, 90, 730, 460))
    dice = random.Random(7)
    for column in range(3):
        _meter(painter, QRectF(165 + column * 222, 130, 190, 380), dice)
    shade = QLinearGradient(0, 0, width, 0)
    shade.setColorAt(0, QColor(0, 0, 0, 0))
    shade.setColorAt(0.7, QColor(0, 0, 0, 0))
    shade.setColorAt(1, QColor(0, 0, 0, 130))
    painter.fillRect(0, 0, width, height, shade)
    painter.end()
    image.save(str(path))
    return path


def panel_frames() -> list[tuple[float, float, float, float]]:
    """Where the labels of the invented panel of 4 × 6 are: x, y, width, height as fractions, row by row."""
    return [
        (0.115 + 0.128 * column + 0.006 * row, 0.20 + 0.195 * row - 0.012 * column, 0.098, 0.075)
        for row in range(4)
        for column in range(6)
    ]


def draw_panel(path: Path, width: int = 1200, height: int = 880) -> Path:
    """Writes the PNG of a panel of 4 × 6 meters, one label blinded, and returns where."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("#4A443D"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#6F777D"))
    painter.drawPolygon(
        QPolygonF([QPointF(70, 60), QPointF(1130, -10), QPointF(1160, 830), QPointF(90, 860)])
    )
    dice = random.Random(3)
    for slot, (x, y, wide, high) in enumerate(panel_frames(), start=1):
        label = QRectF(x * width, y * height, wide * width, high * height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#D5D9DA"))
        painter.drawRoundedRect(label.adjusted(-10, -62, 10, 40), 6, 6)
        painter.setBrush(QColor("#93A57F"))
        painter.drawRect(label.adjusted(8, -52, -8, -label.height() - 12))
        painter.setBrush(QColor("#FFFFFF"))
        painter.drawRect(label)
        if slot not in (17, 22):
            painter.setBrush(QColor("#15181A"))
            at = label.x() + 10
            while at < label.right() - 10:
                bar = dice.choice((2, 2, 3, 5))
                painter.drawRect(QRectF(at, label.y() + 12, bar, label.height() - 24))
                at += bar + dice.choice((2, 3, 5))
    painter.end()
    image.save(str(path))
    return path


class PreviewCamera(QQuickImageProvider):
    """`image://camera/live`: the photo of the preview, or a blank picture where it shows none."""

    def __init__(self, photo: Path | None) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._image = QImage(str(photo)) if photo else QImage(16, 12, QImage.Format.Format_RGB32)
        if photo is None:
            self._image.fill(Qt.GlobalColor.black)

    def requestImage(self, id: str, size: QSize, requestedSize: QSize) -> QImage:
        return self._image


def _meter(painter: QPainter, box: QRectF, dice: random.Random) -> None:
    painter.setBrush(QColor("#D9DCDD"))
    painter.drawRoundedRect(box, 8, 8)
    painter.setBrush(QColor("#93A57F"))
    painter.drawRect(QRectF(box.x() + 24, box.y() + 34, box.width() - 48, 62))
    painter.setPen(QColor("#1E261A"))
    painter.setFont(QFont("Inter", 22))
    figures = QRectF(box.x() + 24, box.y() + 34, box.width() - 48, 62)
    painter.drawText(figures, Qt.AlignmentFlag.AlignCenter, f"{dice.randrange(10**6):06d}")
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#F7F7F5"))
    painter.drawRect(QRectF(box.x() + 16, box.y() + 130, box.width() - 32, 84))
    painter.setBrush(QColor("#15181A"))
    at = box.x() + 26
    while at < box.right() - 30:
        bar = dice.choice((2, 2, 3, 5))
        painter.drawRect(QRectF(at, box.y() + 138, bar, 52))
        at += bar + dice.choice((2, 3, 4))
    painter.setBrush(QColor("#B9BEC1"))
    painter.drawRect(QRectF(box.x() + 10, box.bottom() - 120, box.width() - 20, 108))
    painter.setBrush(QColor("#4A5258"))
    for terminal in range(4):
        painter.drawEllipse(QRectF(box.x() + 26 + terminal * 38, box.bottom() - 76, 24, 24))
