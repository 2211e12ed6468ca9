# Pictures come and go: each step of a pipeline makes another one, of 4 to 12 MB, in blocks of malloc.
import hashlib
import io

from PIL import Image, ImageChops, ImageFilter, ImageOps

digest = hashlib.sha256()
picture = Image.merge("RGB", [Image.radial_gradient("L"), Image.linear_gradient("L"), Image.linear_gradient("L").rotate(90)])
for i in range(6):
    large = picture.resize((1600, 1200), Image.BICUBIC).rotate(i, resample=Image.BILINEAR)
    soft = large.filter(ImageFilter.BoxBlur(2))
    mixed = ImageOps.autocontrast(ImageChops.difference(large, ImageOps.mirror(soft)))
    small = mixed.convert("L").convert("RGB").resize((800, 600), Image.BILINEAR)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    digest.update(file.getvalue())
    digest.update(Image.open(file).convert("L").tobytes())
print(digest.hexdigest())
